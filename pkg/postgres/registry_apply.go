package postgres

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/registry_set_publisher.sql
	registrySetPublisherSQL string
	//go:embed sql/registry_kinds.sql
	registryKindsSQL string
	//go:embed sql/registry_register_types.sql
	registryRegisterTypesSQL string
	//go:embed sql/registry_set_type.sql
	registrySetTypeSQL string
	//go:embed sql/registry_add_subscriber.sql
	registryAddSubscriberSQL string
	//go:embed sql/registry_set_subscriber.sql
	registrySetSubscriberSQL string
)

// registryApply writes a change and fills in what the store gives its records. The caller holds the log's lock.
func registryApply(ctx context.Context, tx pgx.Tx, c kapivara.Change, head int64) error {
	if c.SetPublisher != nil {
		if err := registrySetPublisher(ctx, tx, c.SetPublisher, head); err != nil {
			return fmt.Errorf("set publisher: %w", err)
		}
	}
	if c.SetType != nil {
		if err := registrySetType(ctx, tx, c.SetType, head); err != nil {
			return fmt.Errorf("set event type: %w", err)
		}
	}
	if c.SetSubscriber != nil {
		if err := registrySetSubscriber(ctx, tx, c.SetSubscriber, head); err != nil {
			return fmt.Errorf("set subscriber: %w", err)
		}
	}
	return registryRemove(ctx, tx, c, head)
}

func registrySetPublisher(ctx context.Context, tx pgx.Tx, p *kapivara.Publisher, head int64) error {
	p.LogPosition = head
	return tx.QueryRow(ctx, registrySetPublisherSQL, p.Name, p.Description, []string(p.Streams), head).Scan(&p.Created)
}

func registrySetType(ctx context.Context, tx pgx.Tx, t *kapivara.EventType, head int64) error {
	if _, err := tx.Exec(ctx, registryKindsSQL, []string{t.Type}, t.Publisher); err != nil {
		return fmt.Errorf("kind: %w", err)
	}
	t.LogPosition = head
	return tx.QueryRow(ctx, registrySetTypeSQL, t.Type, t.Publisher, registryText(t.Schema), registryText(t.Metadata), head).
		Scan(&t.Kind, &t.Created)
}

// registryText is a text column's value, null for nothing.
func registryText(b []byte) *string {
	if len(b) == 0 {
		return nil
	}
	s := string(b)
	return &s
}

func registrySetSubscriber(ctx context.Context, tx pgx.Tx, s *kapivara.Subscriber, head int64) error {
	var start *int64
	if !s.Start.New {
		start = &s.Start.After
	}
	backoff := make([]int64, len(s.Backoff))
	for i, d := range s.Backoff {
		backoff[i] = d.Milliseconds()
	}
	s.LogPosition = head
	settings := []any{
		s.Description, s.System, []string(s.Types), []string(s.Streams), s.Buckets, s.CanaryBuckets, string(s.Deliver),
		s.AckWait.Milliseconds(), s.MaxAttempts, backoff, s.MaxInFlight, start, head, s.Grown,
	}
	if s.No != 0 {
		_, err := tx.Exec(ctx, registrySetSubscriberSQL, append([]any{s.No}, settings...)...)
		return err
	}
	return tx.QueryRow(ctx, registryAddSubscriberSQL, append([]any{s.Name}, settings...)...).Scan(&s.No, &s.Created, &s.Behind)
}

// registerUnknown registers, with the defaults, what an accepted append of an open registry names and the registry has
// not: the publisher, where it is new, and event types. The caller holds the log's lock and loads the registry anew.
func registerUnknown(ctx context.Context, tx pgx.Tx, publisher string, newPublisher bool, types []string, head int64) error {
	if newPublisher {
		p := kapivara.NewPublisher(publisher)
		if err := registrySetPublisher(ctx, tx, &p, head); err != nil {
			return fmt.Errorf("register publisher: %w", err)
		}
	}
	if len(types) > 0 {
		if _, err := tx.Exec(ctx, registryKindsSQL, types, publisher); err != nil {
			return fmt.Errorf("register event types: kinds: %w", err)
		}
		if _, err := tx.Exec(ctx, registryRegisterTypesSQL, types, publisher, head); err != nil {
			return fmt.Errorf("register event types: %w", err)
		}
	}
	if !newPublisher && len(types) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, registryBumpSQL); err != nil {
		return fmt.Errorf("register: version: %w", err)
	}
	return nil
}
