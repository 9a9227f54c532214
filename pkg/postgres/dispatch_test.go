package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/porttest"
	"kapivara/pkg/postgres"
	"kapivara/tests/kit"
)

// dispatchFixture writes what is due as the writer does, as the owner.
type dispatchFixture struct {
	*postgres.Dispatch
	t           testing.TB
	url         string
	owner       *pgx.Conn
	head        int64
	subscribers []kapivara.Subscriber
}

func newDispatchFixture(t testing.TB) *dispatchFixture {
	t.Helper()
	url := kit.Postgres(t)
	owner, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	pool, err := postgres.Open(t.Context(), url, postgres.RoleDispatcher, 5)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &dispatchFixture{Dispatch: postgres.NewDispatch(pool), t: t, url: url, owner: owner}
}

func (f *dispatchFixture) exec(sql string, args ...any) {
	f.t.Helper()
	if _, err := f.owner.Exec(f.t.Context(), sql, args...); err != nil {
		f.t.Fatalf("fixture: %v", err)
	}
}

func (f *dispatchFixture) Subscribe(s kapivara.Subscriber) (no int32) {
	f.t.Helper()
	backoff := make([]int64, len(s.Backoff))
	for i, b := range s.Backoff {
		backoff[i] = b.Milliseconds()
	}
	err := f.owner.QueryRow(f.t.Context(), `insert into kapivara.subscribers (name, description, system, types, streams, buckets,
		canary_buckets, deliver, ack_wait_ms, max_attempts, backoff_ms, max_in_flight, log_position)
		values ($1, '', '', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning subscriber_no`,
		s.Name, []string(s.Types), []string(s.Streams), s.Buckets, s.CanaryBuckets, string(s.Deliver), s.AckWait.Milliseconds(),
		s.MaxAttempts, backoff, s.MaxInFlight, f.head).Scan(&no)
	if err != nil {
		f.t.Fatalf("fixture: %v", err)
	}
	f.exec("update kapivara.log set registry = registry + 1")
	s.No = no
	f.subscribers = append(f.subscribers, s)
	return no
}

func (f *dispatchFixture) Finish(stream kapivara.Stream, n int, canary bool) int64 {
	f.t.Helper()
	no := f.head + 1
	f.exec("insert into kapivara.kinds (type, publisher) values ('done', 'clerk') on conflict do nothing")
	f.exec(`insert into kapivara.streams (stream_no, name, version, contiguous, finish, canary, completed)
		values ($1, $2, $3, $3, $3, $4, $5)`, no, string(stream), n, canary, f.head+int64(n))
	f.exec(`insert into kapivara.events (log_position, stream_no, position, kind_no, flags, id, data)
		select $1 + p, $2, p, k.kind_no, case when p = $3 then 3 else 2 end, decode('00', 'hex') || convert_to($1::bigint || '-' || p, 'UTF8'), '{}'
		  from generate_series(1, $3::integer) p, kapivara.kinds k where k.type = 'done'`, f.head, no, n)
	f.head += int64(n)
	for _, s := range f.subscribers {
		f.exec("insert into kapivara.outbox (due, stream_no, subscriber_no, bucket) values ($1, $2, $3, $4)", f.head, no, s.No,
			int(kapivara.BucketOf(stream.Hash(), canary, s.Buckets, s.CanaryBuckets)))
	}
	return f.head
}

func TestDispatch(t *testing.T) {
	t.Parallel()
	porttest.Dispatch(t, func(t *testing.T) porttest.DispatchStore { return newDispatchFixture(t) })
}
