package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/tests/kit"
)

// readFixture writes rows as the writer and the dispatcher do, as the owner, and by statements of its own: what the
// reader says of them does not rest on their code.
type readFixture struct {
	owner *pgx.Conn
	heads map[kapivara.Stream]*kapivara.Head
	log   int64
}

func newReadFixture(t *testing.T) (*postgres.Reader, *readFixture) {
	t.Helper()
	url, pool := newReadPool(t)
	owner, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	return postgres.NewReader(pool), &readFixture{owner: owner, heads: map[kapivara.Stream]*kapivara.Head{}}
}

// newReadPool gives the owner's URL of an empty store, and a pool of the reader.
func newReadPool(t *testing.T) (string, *postgres.Pool) {
	t.Helper()
	url := kit.Postgres(t)
	pool, err := postgres.Open(t.Context(), url, postgres.RoleReader, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return url, pool
}

func (f *readFixture) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := f.owner.Exec(t.Context(), sql, args...); err != nil {
		t.Errorf("fixture: %v", err) // the fixture also runs beside the test
	}
}

// fill stores events. The streams' rows are written when a stream is new, finished or completed, and are a lower bound
// meanwhile.
func (f *readFixture) fill(t *testing.T, events ...kapivara.Event) {
	t.Helper()
	for i := range events {
		f.store(t, &events[i])
	}
}

func (f *readFixture) store(t *testing.T, e *kapivara.Event) {
	t.Helper()
	f.log++
	head := f.heads[e.Stream]
	fresh := head == nil
	if fresh {
		head = &kapivara.Head{No: int64(len(f.heads) + 1), Stream: e.Stream}
		f.heads[e.Stream] = head
	}
	head.Add(e.Position, e.Final)
	switch {
	case fresh:
		f.exec(t, `insert into kapivara.streams (stream_no, name, version, contiguous, canary) values ($1, $2, $3, $4, false)`,
			head.No, string(e.Stream), head.Version, head.Contiguous)
		fallthrough
	case e.Final || head.Complete():
		f.exec(t, `update kapivara.streams set version = $2, contiguous = $3, finish = nullif($4, 0),
			completed = case when $5 then $6::bigint end where stream_no = $1`,
			head.No, head.Version, head.Contiguous, head.Finish, head.Complete(), f.log)
	}
	f.exec(t, `insert into kapivara.kinds (type, publisher) values ($1, $2) on conflict do nothing`, e.Type, e.Publisher)
	flags := map[kapivara.DataKind]int{kapivara.JSONData: 2, kapivara.BinaryData: 4}[e.Kind]
	if e.Final {
		flags |= 1
	}
	source := &e.Source
	if e.Source == kapivara.DefaultSource(e.Stream, e.Publisher) {
		source = nil
	}
	recorded := e.Recorded
	if recorded.IsZero() {
		recorded = time.Now()
	}
	f.exec(t, `insert into kapivara.events
		(log_position, stream_no, recorded, position, kind_no, flags, id, occurred, source, attributes, data)
		select $1, $2, $3, $4, kind_no, $5, $6, nullif($7, ''), $8::text, nullif($9, ''), $10::bytea
		  from kapivara.kinds where type = $11 and publisher = $12`,
		f.log, head.No, recorded, e.Position, flags, postgres.IDKey(e.ID), e.Time, source, string(e.Attributes), e.Data,
		e.Type, e.Publisher)
}
