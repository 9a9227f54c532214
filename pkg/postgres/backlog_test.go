package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/porttest"
	"kapivara/pkg/postgres"
	"kapivara/pkg/writer"
	"kapivara/tests/kit"
)

// storeLog fits the log to the writer's port, as the services do.
type storeLog struct{ *postgres.Log }

func (l storeLog) Exclusive(ctx context.Context, do func(ctx context.Context, tx writer.Exclusive) error) error {
	return l.Log.Exclusive(ctx, func(ctx context.Context, tx *postgres.LockedLog) error { return do(ctx, tx) })
}

// startWriter starts a writer with its gatherer on the database.
func startWriter(t *testing.T, url string) (*writer.Writer, *writer.Registry) {
	t.Helper()
	pool := writerPool(t, url)
	log := postgres.NewLog(pool, true)
	t.Cleanup(log.Close)
	w := writer.New(storeLog{log}, log, nil, func(writer.Notice) {}, writer.Config{}, kit.Logger(t))
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	store := postgres.NewRegistryStore(pool, true)
	g := writer.NewGatherer(store, nil, kit.Logger(t))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() { g.Run(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	return w, writer.NewRegistry(store, func([]byte) error { return nil }, func(int64) { g.Wake() })
}

func appendOne(w *writer.Writer, publisher string, stream kapivara.Stream, id, name string) error {
	answer := make(chan error, 1)
	w.Append(publisher, &kapivara.Append{Stream: stream, Events: []kapivara.NewEvent{
		{ID: kapivara.EventID(id), Type: name, Final: true, Kind: kapivara.JSONData, Data: []byte(`{}`)},
	}}, func(_ *kapivara.AppendResult, err error) { answer <- err })
	return <-answer
}

// Subscribers come and go while two writers append: each is due exactly what its start and its filters name.
func TestUnderLoadNothingIsDueTwiceAndNothingIsMissed(t *testing.T) {
	t.Parallel()
	url := kit.Postgres(t)
	b := &bus{owner: connectOwner(t, url), ctx: t.Context()}
	one, registry := startWriter(t, url)
	two, second := startWriter(t, url)
	writers := []*writer.Writer{one, two}
	registries := []*writer.Registry{registry, second}

	var wg sync.WaitGroup
	var stop atomic.Bool
	for i := range 6 {
		wg.Go(func() {
			publisher := fmt.Sprintf("p%d", i)
			for n := 0; !stop.Load(); n++ {
				stream := kapivara.Stream(fmt.Sprintf("c/s%d/t/%d", i%2, i*1_000_000+n))
				name := fmt.Sprintf("%s.type%d", publisher, n%3)
				if err := appendOne(writers[i%2], publisher, stream, string(stream), name); err != nil {
					t.Errorf("append: %v", err)
					return
				}
			}
		})
	}
	type subscriber struct {
		*kapivara.Subscriber
		after int64
	}
	var all []subscriber
	for i := range 24 {
		patch := kapivara.SubscriberPatch{Types: p(kapivara.Any()), Streams: p(kapivara.Any())}
		if i%2 == 1 {
			patch.Types = p(kapivara.Filter{"p1.*", "p2.type1"})
		}
		if i%3 == 1 {
			patch.Streams = p(kapivara.Filter{"c/s0/*"})
		}
		var head int64
		kit.Eventually(t, timeout, func() error {
			if head = ask[int64](t, b, `select head from kapivara.log`)[0]; head < int64(20*i) {
				return fmt.Errorf("%d events, want %d", head, 20*i)
			}
			return nil
		})
		switch i % 4 {
		case 1:
			patch.Start = p(kapivara.Start{})
		case 2:
			patch.Start = p(kapivara.Start{After: head / 2})
		}
		s, err := registries[i%2].Subscribers.Set(t.Context(), fmt.Sprintf("s%d", i), patch)
		if err != nil {
			t.Fatal(err)
		}
		after := s.LogPosition
		if !s.Start.New {
			after = s.Start.After
		}
		all = append(all, subscriber{s, after})
	}
	stop.Store(true)
	wg.Wait()
	kit.Eventually(t, timeout, func() error {
		if n := ask[int64](t, b, `select count(*) from kapivara.subscribers where behind_after is not null`)[0]; n > 0 {
			return fmt.Errorf("%d subscribers are behind", n)
		}
		return nil
	})
	if n := ask[int64](t, b, `select count(*) from kapivara.streams where completed is null`)[0]; n > 0 {
		t.Errorf("%d streams are not complete", n)
	}
	for _, s := range all {
		got := ask[int64](t, b, `select due from kapivara.outbox where subscriber_no = $1 order by due`, s.No)
		var want []int64
		rows, err := b.owner.Query(t.Context(), `select s.completed, s.name, k.type from kapivara.streams s
			join kapivara.events e using (stream_no) join kapivara.kinds k using (kind_no) where s.completed > $1 order by 1`, s.after)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var completed int64
			var name, event string
			if err := rows.Scan(&completed, &name, &event); err != nil {
				t.Fatal(err)
			}
			if s.Wants(kapivara.Stream(name), []string{event}) {
				want = append(want, completed)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s (after %d, types %v, streams %v): %d are due, want %d", s.Name, s.after, s.Types, s.Streams, len(got), len(want))
		}
	}
}

func TestAnAppendSentAfterTheReplyIsJudgedByIt(t *testing.T) {
	t.Parallel()
	url := kit.Postgres(t)
	one, registry := startWriter(t, url)
	two, _ := startWriter(t, url)
	if err := appendOne(two, "loans", "a/b/c/0", "0", "opened"); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		filter := kapivara.Filter{"a/*"}
		if i%2 == 1 {
			filter = kapivara.Filter{"x/*"}
		}
		if _, err := registry.Publishers.Set(t.Context(), "loans", kapivara.PublisherPatch{Streams: &filter}); err != nil {
			t.Fatal(err)
		}
		for _, w := range []*writer.Writer{one, two} {
			id := fmt.Sprintf("%d-%p", i, w)
			err := appendOne(w, "loans", kapivara.Stream("a/b/c/"+id), id, "opened")
			var refusal *kapivara.Error
			if forbidden := errors.As(err, &refusal) && refusal.Code == kapivara.Forbidden; forbidden != (i%2 == 1) {
				t.Errorf("change %d: got %v", i, err)
			}
		}
	}
}

func TestBacklog(t *testing.T) {
	t.Parallel()
	porttest.Backlog(t, func(t *testing.T) porttest.BacklogStore {
		url := kit.Postgres(t)
		owner := connectOwner(t, url)
		pool := writerPool(t, url)
		log := postgres.NewLog(pool, true)
		t.Cleanup(log.Close)
		store := postgres.NewRegistryStore(pool, true)
		return porttest.BacklogStore{Log: storeLog{log}, Lookup: log, Registry: store, Backlog: store, Due: func() []kapivara.Due {
			rows, err := owner.Query(t.Context(), `select subscriber_no, bucket, due, stream_no, coalesce(grown, 0) from kapivara.outbox`)
			if err != nil {
				t.Fatal(err)
			}
			due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d kapivara.Due, err error) {
				err = row.Scan(&d.Subscriber, &d.Bucket, &d.LogPosition, &d.Stream, &d.Grown)
				return d, err
			})
			if err != nil {
				t.Fatal(err)
			}
			return due
		}}
	})
}
