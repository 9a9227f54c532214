package postgres_test

import (
	"context"
	"errors"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
)

func TestAStoreThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Open(t.Context(), "postgres://nobody@127.0.0.1:1/nowhere", postgres.RoleReader, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	store := postgres.NewReader(pool)
	for name, ask := range map[string]func(context.Context) error{
		"event":  func(ctx context.Context) error { _, err := store.Event(ctx, "1"); return err },
		"stream": func(ctx context.Context) error { _, err := store.Stream(ctx, streamFrom(1)); return err },
		"log": func(ctx context.Context) error {
			_, err := store.Log(ctx, kapivara.LogQuery{Limit: 1, Bytes: 1})
			return err
		},
		"log, filtered": func(ctx context.Context) error {
			_, err := store.Log(ctx, kapivara.LogQuery{Limit: 1, Bytes: 1, Context: "a"})
			return err
		},
		"streams": func(ctx context.Context) error {
			_, err := store.Streams(ctx, kapivara.StreamsQuery{Limit: 1})
			return err
		},
		"deliveries": func(ctx context.Context) error {
			_, err := store.Deliveries(ctx, kapivara.DeliveriesQuery{Subscriber: "billing", Limit: 1})
			return err
		},
		"delivery": func(ctx context.Context) error {
			_, _, err := store.Delivery(ctx, kapivara.DeliveryQuery{Subscriber: "billing", Limit: 1, Bytes: 1})
			return err
		},
		"subscriber": func(ctx context.Context) error { _, err := store.Subscriber(ctx, "billing"); return err },
		"explain":    func(ctx context.Context) error { _, err := store.Facts(ctx, "a/b/c/1", ""); return err },
	} {
		var refusal *kapivara.Error
		if err := ask(t.Context()); !errors.As(err, &refusal) || refusal.Code != kapivara.Unavailable {
			t.Errorf("%s: got %v, want unavailable", name, err)
		}
	}
}
