package stores

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"kapivara/pkg/app"
	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
	"kapivara/pkg/porttest"
	"kapivara/pkg/postgres"
	"kapivara/tests/kit"
)

// MemoryBus makes an empty store in memory for writers and dispatchers, with an open registry.
func MemoryBus() porttest.BusStore {
	bus := memory.NewBus(true, time.Now)
	return porttest.BusStore{
		Writer: func(testing.TB) porttest.BacklogStore {
			return porttest.BacklogStore{Log: MemoryLog{bus.Log}, Lookup: bus.Log, Registry: bus.Log.Registry, Backlog: bus.Log}
		},
		Dispatcher: func(testing.TB) dispatcher.Store { return bus.Dispatch },
		Events:     func(testing.TB) []kapivara.Event { return bus.Log.Events() },
		Deliveries: func(testing.TB) []kapivara.Numbered { return bus.Dispatch.All() },
		Waiting:    func(testing.TB) int { return bus.Dispatch.Pending() },
	}
}

// PostgresBus makes an empty store in a database of the test's own for writers and dispatchers, with an open registry.
// small has a writer gather and place only so many rows at once.
func PostgresBus(t testing.TB, small func(*postgres.RegistryStore)) porttest.BusStore {
	t.Helper()
	url := kit.Postgres(t)
	owner, err := pgxpool.New(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	return porttest.BusStore{
		Writer: func(t testing.TB) porttest.BacklogStore {
			log, registry := PostgresLog(t, url, true), postgres.NewRegistryStore(pool(t, url), true)
			small(registry)
			return porttest.BacklogStore{Log: app.StoreLog(log), Lookup: log, Registry: registry, Backlog: registry}
		},
		Dispatcher: func(t testing.TB) dispatcher.Store {
			pool, err := postgres.Open(context.Background(), url, postgres.RoleDispatcher, 4)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			return postgres.NewDispatch(pool)
		},
		Events:     func(t testing.TB) []kapivara.Event { return readEvents(t, url) },
		Deliveries: func(t testing.TB) []kapivara.Numbered { return readDeliveries(t, owner) },
		Waiting: func(t testing.TB) (n int) {
			err := owner.QueryRow(context.Background(),
				"select (select count(*) from kapivara.outbox) + (select count(*) from kapivara.replays)").Scan(&n)
			if err != nil {
				t.Fatal(err)
			}
			return n
		},
	}
}

func readDeliveries(t testing.TB, owner *pgxpool.Pool) []kapivara.Numbered {
	t.Helper()
	rows, err := owner.Query(context.Background(), `select d.bucket_no, d.number, d.subscriber_no, b.bucket, d.due, d.stream_no,
		s.name, s.canary, coalesce(s.finish, 0), d.cause, d.from_position, d.to_position, d.buckets,
		case when c.number is not null then 'committed' when r.state is null then 'leased'
			else (array['pending', 'leased', 'hidden', 'parked', 'discarded'])[r.state] end
		from kapivara.deliveries d join kapivara.buckets b using (bucket_no) join kapivara.streams s using (stream_no)
		left join kapivara.commits c using (bucket_no, number) left join kapivara.retries r using (bucket_no, number)`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d kapivara.Numbered, err error) {
		var bucket, cause int
		err = row.Scan(&d.Ref.Bucket, &d.Number, &d.Due.Subscriber, &bucket, &d.LogPosition, &d.Due.Stream, &d.Name, &d.Canary, &d.Finish,
			&cause, &d.From, &d.To, &d.Buckets, &d.Lease.State)
		d.Due.Bucket = kapivara.Bucket(bucket)
		d.Cause = [...]kapivara.Cause{kapivara.CauseComplete, kapivara.CauseAppended, kapivara.CauseReplay}[cause-1]
		return d, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
