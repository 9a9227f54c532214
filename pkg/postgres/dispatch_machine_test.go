package postgres_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/porttest"
	"kapivara/pkg/postgres"
	"kapivara/tests/kit"
)

// TestTheBusKeepsItsPromises plays the machine on PostgreSQL (I-11 to I-20). A goroutine that waits for the server does not
// let the bubble's time go on, so a real server works in one, and its clock is the bubble's too.
func TestTheBusKeepsItsPromises(t *testing.T) {
	t.Parallel()
	url := machineDatabase(t)
	porttest.Machine(t, dispatcher.Config{TTL: 6 * time.Second, Poll: 3 * time.Second}, 10, 20_000, func() porttest.MachineStore { return newMachineFixture(t, url) })
}

// machineDatabase gives a database of which now() and clock_timestamp() give what was set last, and which can be emptied.
// What no power failure will ever test need not wait for the disk.
func machineDatabase(t *testing.T) (url string) {
	t.Helper()
	url = kit.Postgres(t)
	owner, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(t.Context())
	_, err = owner.Exec(t.Context(), `
create unlogged sequence kapivara.machine_clock;
grant select on sequence kapivara.machine_clock to public;
update pg_proc set proname = 'real_' || proname where proname in ('now', 'clock_timestamp') and pronamespace = 'pg_catalog'::regnamespace;
create function pg_catalog.now() returns timestamptz language sql stable as
	$$ select timestamptz 'epoch' + last_value * interval '1 microsecond' from kapivara.machine_clock $$;
create function pg_catalog.clock_timestamp() returns timestamptz language sql volatile as
	$$ select timestamptz 'epoch' + last_value * interval '1 microsecond' from kapivara.machine_clock $$;
do $do$
declare
	c record;
begin
	for c in select d.adrelid::regclass as t, a.attname from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
	          where pg_get_expr(d.adbin, d.adrelid) = 'real_now()' loop
		execute format('alter table %s alter column %I set default pg_catalog.now()', c.t, c.attname);
	end loop;
	for c in select tgrelid::regclass as t from pg_trigger where tgname = 'keep' loop
		execute format('alter table %s disable trigger keep', c.t);
	end loop;
	execute format('alter database %I set synchronous_commit = off', current_database());
end $do$`)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// machineFixture is a dispatchFixture for one run of the machine.
type machineFixture struct {
	dispatchFixture
	pools []*postgres.Pool

	mu     sync.Mutex // of the owner's connection
	clock  time.Time
	begun  atomic.Int64 // writes so far
	under  atomic.Int64 // writes on their way
	all    seen[[]kapivara.Numbered]
	claims seen[map[kapivara.Bucket]kapivara.Claim]
}

// newMachineFixture empties the database and connects anew: a connection belongs to its bubble.
func newMachineFixture(t *testing.T, url string) *machineFixture {
	ctx := context.Background()
	f := &machineFixture{}
	owner, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	f.dispatchFixture = dispatchFixture{t: t, ctx: ctx, url: url, owner: owner, heads: map[kapivara.Stream]*kapivara.Head{}}
	for _, table := range [...]string{
		"outbox", "replays", "retries", "commits", "deliveries", "buckets", "events", "streams", "standing", "nodes", "duties", "dispatchers", "subscribers",
	} {
		f.exec("delete from kapivara." + table)
	}
	f.exec("update kapivara.log set head = 0, streams = 0")
	open := func(role postgres.Role) *postgres.Pool {
		pool, err := postgres.Open(ctx, url, role, 8)
		if err != nil {
			t.Fatal(err)
		}
		f.pools = append(f.pools, pool)
		return pool
	}
	f.Dispatch = postgres.NewDispatch(open(postgres.RoleDispatcher))
	f.writer = postgres.NewRegistryStore(open(postgres.RoleWriter), true)
	return f
}

// Close is the machine's.
func (f *machineFixture) Close() {
	for _, pool := range f.pools {
		pool.Close()
	}
	_ = f.owner.Close(f.ctx)
}

// tick brings the database's clock to the bubble's.
func (f *machineFixture) tick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ticked()
}

func (f *machineFixture) ticked() {
	if now := time.Now(); !now.Equal(f.clock) {
		f.exec("select setval('kapivara.machine_clock', $1)", now.UnixMicro())
		f.clock = now
	}
}

// each runs a query of the owner and gives every row to scan.
func (f *machineFixture) each(scan func(pgx.Rows) error, sql string, args ...any) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	rows, err := f.owner.Query(f.ctx, sql, args...)
	for err == nil && rows.Next() {
		err = scan(rows)
	}
	if err == nil {
		err = rows.Err()
	}
	if err != nil {
		f.t.Fatalf("machine: %v", err)
	}
}

// seen is what was read, which stays true until something is written.
type seen[T any] struct {
	mu     sync.Mutex
	writes int64 // by when, as in begun
	what   T
}

func (s *seen[T]) get(f *machineFixture, read func() T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	begun := f.begun.Load()
	quiet := f.under.Load() == 0
	if s.writes != begun+1 || !quiet {
		s.writes, s.what = 0, read()
		if quiet && f.begun.Load() == begun {
			s.writes = begun + 1
		}
	}
	return s.what
}

// write notes a write until end is called.
func (f *machineFixture) write() (end func()) {
	f.under.Add(1)
	f.begun.Add(1)
	return func() { f.under.Add(-1) }
}

// All gives every delivery, by bucket and number.
func (f *machineFixture) All() []kapivara.Numbered { return f.all.get(f, f.readAll) }

func (f *machineFixture) readAll() (all []kapivara.Numbered) {
	f.t.Helper()
	var refs []kapivara.Ref
	buckets := map[int32]kapivara.Bucket{}
	f.each(func(rows pgx.Rows) error {
		var ref kapivara.Ref
		var bucket int16
		err := rows.Scan(&ref.Bucket, &ref.Number, &bucket)
		refs, buckets[ref.Bucket] = append(refs, ref), kapivara.Bucket(bucket)
		return err
	}, "select d.bucket_no, d.number, b.bucket from kapivara.deliveries d join kapivara.buckets b on b.bucket_no = d.bucket_no")
	if len(refs) == 0 {
		return nil
	}
	all, err := f.Deliveries(f.ctx, refs)
	if err != nil || len(all) != len(refs) {
		f.t.Fatalf("machine: got %d of %d deliveries, %v", len(all), len(refs), err)
	}
	for i := range all {
		all[i].Due.Bucket = buckets[all[i].Ref.Bucket]
	}
	slices.SortFunc(all, func(a, b kapivara.Numbered) int {
		return cmp.Or(cmp.Compare(a.Ref.Bucket, b.Ref.Bucket), cmp.Compare(a.Number, b.Number))
	})
	return all
}

// Waiting gives what is due, in log order.
func (f *machineFixture) Waiting() (waiting []kapivara.Waiting) {
	f.t.Helper()
	f.each(func(rows pgx.Rows) error {
		var w kapivara.Waiting
		var bucket int16
		err := rows.Scan(&w.LogPosition, &w.Subscriber, &bucket, &w.Stream, &w.Name, &w.Canary, &w.Grown)
		w.Due.Bucket = kapivara.Bucket(bucket)
		waiting = append(waiting, w)
		return err
	}, `select o.due, o.subscriber_no, o.bucket, o.stream_no, s.name, s.canary, coalesce(o.grown, 0)
		  from kapivara.outbox o join kapivara.streams s on s.stream_no = o.stream_no order by 1, 2`)
	return waiting
}

// Pending counts what is due, replays included.
func (f *machineFixture) Pending() (n int) {
	f.t.Helper()
	f.each(func(rows pgx.Rows) error { return rows.Scan(&n) },
		"select (select count(*) from kapivara.outbox) + (select count(*) from kapivara.replays)")
	return n
}

// Claims gives who has the subscriber's buckets.
func (f *machineFixture) Claims(subscriber string) map[kapivara.Bucket]kapivara.Claim {
	return f.claims.get(f, func() map[kapivara.Bucket]kapivara.Claim { return f.readClaims(subscriber) })
}

func (f *machineFixture) readClaims(subscriber string) map[kapivara.Bucket]kapivara.Claim {
	f.t.Helper()
	claims := map[kapivara.Bucket]kapivara.Claim{}
	f.each(func(rows pgx.Rows) error {
		var bucket int16
		var claim kapivara.Claim
		err := rows.Scan(&bucket, &claim.Owner, &claim.Epoch)
		claims[kapivara.Bucket(bucket)] = claim
		return err
	}, "select bucket, owner, epoch from kapivara.buckets where subscriber = $1", subscriber)
	return claims
}
