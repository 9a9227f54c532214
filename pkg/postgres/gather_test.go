package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/pkg/writer"
	"kapivara/tests/kit"
)

// bus is a store with its owner's connection, for what only other services write.
type bus struct {
	*writer.Registry
	store *postgres.RegistryStore
	owner *pgx.Conn
	ctx   context.Context
}

func newBus(t *testing.T) *bus {
	t.Helper()
	url := kit.Postgres(t)
	owner := connectOwner(t, url)
	store := postgres.NewRegistryStore(writerPool(t, url), true)
	accept := func([]byte) error { return nil }
	return &bus{Registry: writer.NewRegistry(store, accept, nil), store: store, owner: owner, ctx: t.Context()}
}

const timeout = time.Minute

func connectOwner(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	owner, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.WithoutCancel(t.Context())) })
	return owner
}

func (b *bus) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := b.owner.Exec(b.ctx, sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func ask[T any](t *testing.T, b *bus, sql string, args ...any) []T {
	t.Helper()
	rows, err := b.owner.Query(b.ctx, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return all
}

// complete stores n more streams of one final event each, of two event types in turn.
func (b *bus) complete(t *testing.T, n int) {
	t.Helper()
	b.exec(t, `insert into kapivara.kinds (type, publisher) values ('odd', 'p'), ('even', 'p') on conflict do nothing`)
	head := ask[int64](t, b, `select head from kapivara.log`)[0]
	b.exec(t, `insert into kapivara.streams (stream_no, completed, version, contiguous, finish, canary, name)
		select i, i, 1, 1, 1, false, 'c/s/t/' || i from generate_series($1::bigint + 1, $1 + $2) i`, head, n)
	b.exec(t, `insert into kapivara.events (log_position, stream_no, position, kind_no, flags, id)
		select i, i, 1, k.kind_no, 1, decode('00', 'hex') || i::text::bytea
		  from generate_series($1::bigint + 1, $1 + $2) i
		  join kapivara.kinds k on k.type = case when i % 2 = 1 then 'odd' else 'even' end`, head, n)
}

func (b *bus) gatherAll(t *testing.T) (finished []string) {
	t.Helper()
	for {
		worked, name, err := b.store.Gather(b.ctx)
		switch {
		case err != nil:
			t.Fatal(err)
		case !worked:
			return finished
		case name != "":
			finished = append(finished, name)
		}
	}
}

func (b *bus) set(t *testing.T, name string, patch kapivara.SubscriberPatch) *kapivara.Subscriber {
	t.Helper()
	s, err := b.Subscribers.Set(b.ctx, name, patch)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func p[T any](v T) *T { return &v }

func TestANewSubscriberFromTheBeginningGetsAllThatBecameDue(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.complete(t, 4500)
	s := b.set(t, "billing", kapivara.SubscriberPatch{Start: p(kapivara.Start{})})
	if !s.Behind {
		t.Error("it is not behind")
	}
	before, _ := b.store.Registry(b.ctx)
	if finished := b.gatherAll(t); !slices.Equal(finished, []string{"billing"}) {
		t.Errorf("finished %v", finished)
	}
	after, err := b.store.Registry(b.ctx)
	if err != nil || after.Version != before.Version+1 || after.Subscriber("billing").Behind {
		t.Errorf("version %d, then %d, error %v, behind %v", before.Version, after.Version, err, after.Subscriber("billing").Behind)
	}
	due := ask[int64](t, b, `select due from kapivara.outbox where subscriber_no = $1 and stream_no = due order by due`, s.No)
	if len(due) != 4500 || due[0] != 1 || due[4499] != 4500 {
		t.Errorf("%d are due, want 1 to 4500", len(due))
	}
	for _, no := range []int64{1, 77, 4500} {
		want := kapivara.BucketOf(kapivara.Stream(fmt.Sprintf("c/s/t/%d", no)).Hash(), false, 8, 0)
		if got := ask[int16](t, b, `select bucket from kapivara.outbox where stream_no = $1`, no); len(got) != 1 || int(got[0]) != int(want) {
			t.Errorf("stream %d is in buckets %v, want %d", no, got, want)
		}
	}
}

func TestABacklogBeginsAfterStartAndHoldsWhatFits(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.complete(t, 20)
	late := b.set(t, "late", kapivara.SubscriberPatch{Start: p(kapivara.Start{After: 15})})
	odd := b.set(t, "odd", kapivara.SubscriberPatch{Start: p(kapivara.Start{}), Types: p(kapivara.Filter{"od*"})})
	one := b.set(t, "one", kapivara.SubscriberPatch{Start: p(kapivara.Start{}), Streams: p(kapivara.Filter{"c/s/t/1*"})})
	none := b.set(t, "none", kapivara.SubscriberPatch{Start: p(kapivara.Start{}), Types: p(kapivara.Filter{"other"})})
	now := b.set(t, "now", kapivara.SubscriberPatch{})
	end := b.set(t, "end", kapivara.SubscriberPatch{Start: p(kapivara.Start{After: 20})})
	if now.Behind || end.Behind {
		t.Error("a subscriber with nothing to gather is behind")
	}
	// What is changed later takes nothing away.
	b.set(t, "one", kapivara.SubscriberPatch{Streams: p(kapivara.Filter{"else"})})
	b.gatherAll(t)
	for _, c := range []struct {
		no   int32
		want []int64
	}{
		{late.No, []int64{16, 17, 18, 19, 20}},
		{odd.No, []int64{1, 3, 5, 7, 9, 11, 13, 15, 17, 19}},
		{one.No, []int64{1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}},
		{none.No, nil},
		{now.No, nil},
		{end.No, nil},
	} {
		got := ask[int64](t, b, `select due from kapivara.outbox where subscriber_no = $1 order by due`, c.no)
		if !slices.Equal(got, c.want) {
			t.Errorf("subscriber %d: got %v, want %v", c.no, got, c.want)
		}
	}
}

func TestWritersThatGatherAtOncePutEachStreamOnce(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.complete(t, 5000)
	for _, name := range []string{"one", "two", "three"} {
		b.set(t, name, kapivara.SubscriberPatch{Start: p(kapivara.Start{})})
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	finished := map[string]int{}
	for range 4 {
		wg.Go(func() {
			for {
				worked, name, err := b.store.Gather(b.ctx)
				if err != nil {
					t.Error(err)
				}
				if name != "" {
					mu.Lock()
					finished[name]++
					mu.Unlock()
				}
				// A writer that finds every row locked is idle while others still work; the last one sees all done.
				if err != nil || !worked {
					return
				}
			}
		})
	}
	wg.Wait()
	b.gatherAll(t)
	if got := ask[int64](t, b, `select count(*) from kapivara.outbox`)[0]; got != 15000 {
		t.Errorf("%d rows, want 15000", got)
	}
	for name, n := range finished {
		if n != 1 {
			t.Errorf("%s was finished %d times", name, n)
		}
	}
}

func TestAGathererWakesAndStops(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.complete(t, 10)
	done := make(chan struct{}, 1)
	g := writer.NewGatherer(b.store, func(bool) { done <- struct{}{} }, kit.Logger(t))
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	stopped := make(chan struct{})
	go func() { g.Run(ctx); close(stopped) }()
	b.set(t, "billing", kapivara.SubscriberPatch{Start: p(kapivara.Start{})})
	g.Wake()
	for _, c := range []<-chan struct{}{done, stopped} {
		select {
		case <-c:
		case <-time.After(timeout):
			t.Fatal("it does not")
		}
		cancel()
	}
}
