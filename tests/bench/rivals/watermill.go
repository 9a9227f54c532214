package rivals

import (
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"

	"kapivara/tests/bench/harness"
)

// watermillSQL publishes to a topic of watermill-sql's default schema for PostgreSQL.
func watermillSQL(publishers int) func(context.Context, *harness.Stage) (harness.Runner, error) {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		pool, err := newPool(ctx, s, publishers, "")
		if err != nil {
			return nil, err
		}
		all := make([]*sql.Publisher, publishers)
		for n := range all {
			all[n], err = sql.NewPublisher(sql.BeginnerFromPgx(pool), sql.PublisherConfig{
				SchemaAdapter: sql.DefaultPostgreSQLSchema{}, AutoInitializeSchema: true,
			}, watermill.NopLogger{})
			if err != nil {
				return nil, fmt.Errorf("watermill's publisher: %w", err)
			}
			s.Cleanup(func(context.Context) error { return all[n].Close() })
		}
		s.Version("watermill-sql", moduleVersion("github.com/ThreeDotsLabs/watermill-sql/v4"))
		publish := func(ctx context.Context, worker int) error {
			id, body := newEvent()
			m := message.NewMessage(id, body)
			m.SetContext(ctx)
			return all[worker].Publish("orders", m)
		}
		if err := publish(ctx, 0); err != nil { // makes the table
			return nil, err
		}
		r := rounds{stage: s, analyze: analyzing(pool), count: countOf(pool, `select count(*) from watermill_orders`)}
		r.load = func(ctx context.Context, length time.Duration) (harness.Result, error) {
			return closedLoop(ctx, publishers, length, publish)
		}
		return r.start(ctx)
	}
}
