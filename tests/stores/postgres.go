package stores

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/app"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/porttest"
	"kapivara/pkg/postgres"
	"kapivara/pkg/writer"
	"kapivara/tests/kit"
)

// Postgres makes an empty store in a database of the test's own, whose registry is open or strict.
func Postgres(t testing.TB, open bool) porttest.AppendStore {
	t.Helper()
	return PostgresAt(t, kit.Postgres(t), open)
}

// PostgresAt is Postgres in a migrated database.
func PostgresAt(t testing.TB, url string, open bool) porttest.AppendStore {
	t.Helper()
	return porttest.AppendStore{
		Connect: func(t testing.TB) (writer.Log, writer.Lookup) {
			log := PostgresLog(t, url, open)
			return app.StoreLog(log), log
		},
		Registry: postgres.NewRegistryStore(pool(t, url), open),
		Events:   func(t testing.TB) []kapivara.Event { return readEvents(t, url) },
		Due:      func(t testing.TB) []kapivara.Due { return readDue(t, url) },
	}
}

// PostgresLog opens a writer's log with connections of its own. It ends with the test.
func PostgresLog(t testing.TB, url string, open bool) *postgres.Log {
	t.Helper()
	log := postgres.NewLog(pool(t, url), open)
	t.Cleanup(log.Close)
	return log
}

func pool(t testing.TB, url string) *postgres.Pool {
	t.Helper()
	pool, err := postgres.Open(context.Background(), url, postgres.RoleWriter, 6)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// ask runs a query as the owner.
func ask(t testing.TB, url, sql string, scan func(rows pgx.CollectableRow) error) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, sql)
	if err == nil {
		_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, scan(row) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

func readEvents(t testing.TB, url string) (events []kapivara.Event) {
	t.Helper()
	ask(t, url, `select e.log_position, s.name, e.position, kapivara.event_id(e.id), k.type, k.publisher, e.flags, e.recorded,
		coalesce(e.occurred, ''), coalesce(e.source, '/' || split_part(s.name, '/', 1) || '/' || split_part(s.name, '/', 2) || '/' || k.publisher),
		coalesce(e.attributes, ''), e.data
		from kapivara.events e join kapivara.streams s using (stream_no) join kapivara.kinds k using (kind_no)
		order by e.log_position`, func(row pgx.CollectableRow) error {
		var e kapivara.Event
		var flags int16
		err := row.Scan(&e.LogPosition, &e.Stream, &e.Position, &e.ID, &e.Type, &e.Publisher, &flags, &e.Recorded,
			&e.Time, &e.Source, &e.Attributes, &e.Data)
		e.Final = flags&1 != 0
		switch {
		case flags&2 != 0:
			e.Kind = kapivara.JSONData
		case flags&4 != 0:
			e.Kind = kapivara.BinaryData
		}
		events = append(events, e)
		return err
	})
	return events
}

func readDue(t testing.TB, url string) (due []kapivara.Due) {
	t.Helper()
	ask(t, url, "select due, stream_no, subscriber_no, bucket, coalesce(grown, 0) from kapivara.outbox order by due, subscriber_no",
		func(row pgx.CollectableRow) error {
			var d kapivara.Due
			var bucket int
			err := row.Scan(&d.LogPosition, &d.Stream, &d.Subscriber, &bucket, &d.Grown)
			d.Bucket = kapivara.Bucket(bucket)
			due = append(due, d)
			return err
		})
	return due
}
