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
	ctx         context.Context
	url         string
	owner       *pgx.Conn
	head        int64
	subscribers []kapivara.Subscriber
	heads       map[kapivara.Stream]*kapivara.Head
	writer      *postgres.RegistryStore
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
	return &dispatchFixture{Dispatch: postgres.NewDispatch(pool), t: t, ctx: t.Context(), url: url, owner: owner, heads: map[kapivara.Stream]*kapivara.Head{}}
}

func (f *dispatchFixture) exec(sql string, args ...any) {
	f.t.Helper()
	if _, err := f.owner.Exec(f.ctx, sql, args...); err != nil {
		f.t.Fatalf("fixture: %v", err)
	}
}

func (f *dispatchFixture) Subscribe(s kapivara.Subscriber) (no int32) {
	f.t.Helper()
	backoff := make([]int64, len(s.Backoff))
	for i, b := range s.Backoff {
		backoff[i] = b.Milliseconds()
	}
	for i := range f.subscribers {
		if old := &f.subscribers[i]; old.Name == s.Name {
			s.No = old.No
			*old = s
			f.exec("update kapivara.subscribers set deliver = $2, grown = grown or $2 = 'appended' where subscriber_no = $1", s.No, string(s.Deliver))
			f.exec(`update kapivara.subscribers set moving_after = 0, moving_until = $4, relaid = relaid + 1, buckets = $2, canary_buckets = $3
				where subscriber_no = $1 and (buckets <> $2 or canary_buckets <> $3)`, s.No, s.Buckets, s.CanaryBuckets, f.head)
			f.exec("update kapivara.log set registry = registry + 1")
			return s.No
		}
	}
	err := f.owner.QueryRow(f.ctx, `insert into kapivara.subscribers (name, description, system, types, streams, buckets,
		canary_buckets, deliver, ack_wait_ms, max_attempts, backoff_ms, max_in_flight, log_position, grown)
		values ($1, '', '', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $6 = 'appended') returning subscriber_no`,
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
	positions := make([]int, n)
	for i := range positions {
		positions[i] = i + 1
	}
	return f.Append(stream, canary, n, positions...)
}

// Append stores events as the writer does: the row of the stream follows now and then.
func (f *dispatchFixture) Append(stream kapivara.Stream, canary bool, final int, positions ...int) int64 {
	f.t.Helper()
	h := f.heads[stream]
	if h == nil {
		h = &kapivara.Head{No: f.head + 1, Stream: stream, Canary: canary}
		f.heads[stream] = h
		f.exec("insert into kapivara.streams (stream_no, name, version, contiguous, canary) values ($1, $2, 0, 0, $3)", h.No, string(stream), canary)
		f.exec("insert into kapivara.kinds (type, publisher) values ('done', 'clerk') on conflict do nothing")
	}
	first, grown := f.head+1, int64(0)
	for i, p := range positions {
		before := h.Contiguous
		h.Add(p, p == final)
		if h.Contiguous > before {
			grown = first + int64(i)
		}
		if h.Completed == 0 && h.Complete() {
			h.Completed = first + int64(i)
		}
	}
	f.exec(`insert into kapivara.events (log_position, stream_no, position, kind_no, flags, id, data)
		select $1 + n - 1, $2, p, k.kind_no, case when p = $4 then 3 else 2 end, decode('00', 'hex') || convert_to($2::bigint || '-' || p, 'UTF8'), '{}'
		  from unnest($3::integer[]) with ordinality as e(p, n), kapivara.kinds k where k.type = 'done' order by n`, first, h.No, positions, final)
	f.head += int64(len(positions))
	if h.Finish > 0 || h.Contiguous-h.Saved >= kapivara.SaveEvery {
		f.exec("update kapivara.streams set version = $2, contiguous = $3, finish = nullif($4, 0), completed = nullif($5::bigint, 0) where stream_no = $1",
			h.No, h.Version, h.Contiguous, h.Finish, h.Completed)
		h.Saved = h.Contiguous
	}
	registry := kapivara.Registry{}
	for i := range f.subscribers {
		registry.Subscribers = append(registry.Subscribers, &f.subscribers[i])
	}
	completed := h.Completed
	if completed < first {
		completed = 0
	}
	for _, d := range registry.Due(h, completed, grown) {
		f.exec("insert into kapivara.outbox (due, stream_no, subscriber_no, bucket, cause, grown) values ($1, $2, $3, $4, case when $5 > 0 then 2 else 1 end, nullif($5, 0))",
			d.LogPosition, d.Stream, d.Subscriber, int(d.Bucket), d.Grown)
	}
	return f.head
}

// Place is the writer's.
func (f *dispatchFixture) Place() bool {
	f.t.Helper()
	if f.writer == nil {
		f.writer = postgres.NewRegistryStore(writerPool(f.t, f.url), true)
	}
	worked, _, err := f.writer.Place(f.ctx)
	if err != nil {
		f.t.Fatalf("place: %v", err)
	}
	return worked
}

func TestDispatch(t *testing.T) {
	t.Parallel()
	porttest.Dispatch(t, func(t *testing.T) porttest.DispatchStore { return newDispatchFixture(t) })
}

func TestGrowths(t *testing.T) {
	t.Parallel()
	porttest.Growths(t, 2, func(t *testing.T) porttest.DispatchStore { return newDispatchFixture(t) })
}
