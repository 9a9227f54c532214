package postgres

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/registry_remove_publisher.sql
	registryRemovePublisherSQL string
	//go:embed sql/registry_remove_type.sql
	registryRemoveTypeSQL string
	//go:embed sql/registry_remove_subscriber.sql
	registryRemoveSubscriberSQL string
	//go:embed sql/registry_lock_buckets.sql
	registryLockBucketsSQL string
	//go:embed sql/registry_end_claims.sql
	registryEndClaimsSQL string
	//go:embed sql/registry_drop_nodes.sql
	registryDropNodesSQL string
	//go:embed sql/registry_drop_outbox.sql
	registryDropOutboxSQL string
	//go:embed sql/registry_drop_replays.sql
	registryDropReplaysSQL string
	//go:embed sql/registry_discard_leased.sql
	registryDiscardLeasedSQL string
	//go:embed sql/registry_discard_retries.sql
	registryDiscardRetriesSQL string
)

// registryDropAtOnce is how many waiting streams go with their subscriber; the rest is swept up after, so that the log's
// lock is not held for long.
const registryDropAtOnce = 10_000

func registryRemove(ctx context.Context, tx pgx.Tx, c kapivara.Change, head int64) error {
	switch {
	case c.RemovePublisher != "":
		if _, err := tx.Exec(ctx, registryRemovePublisherSQL, c.RemovePublisher); err != nil {
			return fmt.Errorf("remove publisher: %w", err)
		}
	case c.RemoveType != nil:
		if _, err := tx.Exec(ctx, registryRemoveTypeSQL, c.RemoveType.Type); err != nil {
			return fmt.Errorf("remove event type: %w", err)
		}
	case c.RemoveSubscriber != nil:
		return registryRemoveSubscriber(ctx, tx, c.RemoveSubscriber, head)
	}
	return nil
}

// registryRemoveSubscriber ends a subscriber and discards what it has not committed. Buckets are locked before what
// stands in them, as a dispatcher does. The second look finds a bucket whose first row a dispatcher was just making:
// taking the waiting streams away has waited for that dispatcher.
func registryRemoveSubscriber(ctx context.Context, tx pgx.Tx, s *kapivara.Subscriber, head int64) error {
	for _, step := range [...]struct {
		what, sql string
		args      []any
	}{
		{"mark", registryRemoveSubscriberSQL, []any{s.No, head}},
		{"lock buckets", registryLockBucketsSQL, []any{s.Name}},
		{"drop what waits", registryDropOutboxSQL, []any{s.No, registryDropAtOnce}},
		{"drop what is to be sent again", registryDropReplaysSQL, []any{s.No, registryDropAtOnce}},
		{"lock new buckets", registryLockBucketsSQL, []any{s.Name}},
		{"end claims", registryEndClaimsSQL, []any{s.Name}},
		{"drop nodes", registryDropNodesSQL, []any{s.No}},
		{"discard leased", registryDiscardLeasedSQL, []any{s.Name}},
		{"discard retries", registryDiscardRetriesSQL, []any{s.Name}},
	} {
		if _, err := tx.Exec(ctx, step.sql, step.args...); err != nil {
			return fmt.Errorf("remove subscriber: %s: %w", step.what, err)
		}
	}
	return nil
}
