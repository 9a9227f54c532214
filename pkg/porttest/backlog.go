package porttest

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

// BacklogStore is a store with all that a backlog rests on.
type BacklogStore struct {
	Log      writer.Log
	Lookup   writer.Lookup
	Registry writer.RegistryStore
	Backlog  writer.Backlog
	// Due gives what is due and not taken, in any order.
	Due func() []kapivara.Due
}

// Backlog holds a store to what it promises a subscriber that is set after streams have become due: open makes an
// empty store with an open registry.
func Backlog(t *testing.T, open func(t *testing.T) BacklogStore) {
	for name, test := range map[string]func(*testing.T, *backlogTest){
		"what became due before comes once, with what comes meanwhile": backlogWhole,
		"start and filters bound it":                                   backlogBounds,
		"a change of the filters neither adds nor takes away":          backlogFilters,
		"it ends with its subscriber":                                  backlogRemoved,
		"a subscriber from now on has none":                            backlogNew,
		"growths are gathered by the first that fits":                  backlogGrowths,
		"other numbers of buckets place all that waits":                backlogResized,
		"a second change of them begins anew":                          backlogResizedTwice,
		"they may change while the backlog is gathered":                backlogResizedBehind,
		"a move ends with its subscriber":                              backlogResizedRemoved,
		"canary streams go to canary buckets and back":                 backlogCanary,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBacklogTest(t, open(t)))
		})
	}
}

type backlogTest struct {
	BacklogStore
	ctx      context.Context
	writer   *writer.Writer
	registry *writer.Registry
	sent     int
}

func newBacklogTest(t *testing.T, store BacklogStore) *backlogTest {
	w := writer.New(store.Log, store.Lookup, nil, func(writer.Notice) {}, writer.Config{}, slog.New(slog.DiscardHandler))
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	registry := writer.NewRegistry(store.Registry, func([]byte) error { return nil }, nil)
	return &backlogTest{BacklogStore: store, ctx: t.Context(), writer: w, registry: registry}
}

// complete appends n streams a/b/odd/1, a/b/even/2, … of one event each, of the types odd and even.
func (b *backlogTest) complete(t *testing.T, n int) {
	t.Helper()
	for range n {
		b.sent++
		kind := [...]string{"even", "odd"}[b.sent%2]
		b.appendOne(t, &kapivara.Append{
			Stream: kapivara.Stream(fmt.Sprintf("a/b/%s/%d", kind, b.sent)),
			Events: []kapivara.NewEvent{{ID: kapivara.EventID(fmt.Sprint(b.sent)), Type: kind, Final: true}},
		})
	}
}

func (b *backlogTest) appendOne(t *testing.T, a *kapivara.Append) {
	t.Helper()
	answer := make(chan error, 1)
	b.writer.Append("p", a, func(_ *kapivara.AppendResult, err error) { answer <- err })
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
}

func (b *backlogTest) set(t *testing.T, name string, patch kapivara.SubscriberPatch) *kapivara.Subscriber {
	t.Helper()
	return must[*kapivara.Subscriber](t)(b.registry.Subscribers.Set(b.ctx, name, patch))
}

// part gathers once.
func (b *backlogTest) part(t *testing.T) (worked bool) {
	t.Helper()
	worked, _, err := b.Backlog.Gather(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return worked
}

func (b *backlogTest) all(t *testing.T) {
	t.Helper()
	for b.part(t) {
	}
	r := must[*kapivara.Registry](t)(b.Registry.Registry(b.ctx))
	for _, s := range r.Subscribers {
		if s.Behind {
			t.Errorf("%s is still behind", s.Name)
		}
	}
}

// wantDue compares what is due to a subscriber with the log positions. Each stream's is its number.
func (b *backlogTest) wantDue(t *testing.T, s *kapivara.Subscriber, want ...int64) {
	t.Helper()
	var got []int64
	due := b.Due()
	slices.SortFunc(due, func(a, b kapivara.Due) int { return cmp.Compare(a.LogPosition, b.LogPosition) })
	for _, d := range due {
		if d.Subscriber != s.No {
			continue
		}
		got = append(got, d.LogPosition)
		name := kapivara.Stream(fmt.Sprintf("a/b/%s/%d", [...]string{"even", "odd"}[d.LogPosition%2], d.LogPosition))
		if bucket := kapivara.BucketOf(name.Hash(), false, s.Buckets, 0); d.Bucket != bucket {
			t.Errorf("%s: %s is in bucket %v, want %v", s.Name, name, d.Bucket, bucket)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: due are %v, want %v", s.Name, got, want)
	}
}

func backlogWhole(t *testing.T, b *backlogTest) {
	b.complete(t, 8)
	s := b.set(t, "s", kapivara.SubscriberPatch{Start: to(kapivara.Start{})})
	if !s.Behind {
		t.Error("it is not behind")
	}
	b.part(t)
	b.complete(t, 2)
	b.all(t)
	b.complete(t, 1)
	b.wantDue(t, s, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
}

func backlogBounds(t *testing.T, b *backlogTest) {
	b.complete(t, 10)
	after := b.set(t, "after", kapivara.SubscriberPatch{Start: to(kapivara.Start{After: 7})})
	typed := b.set(t, "typed", kapivara.SubscriberPatch{Start: to(kapivara.Start{}), Types: to(kapivara.Filter{"od*"})})
	named := b.set(t, "named", kapivara.SubscriberPatch{Start: to(kapivara.Start{After: 1}), Streams: to(kapivara.Filter{"a/b/even/*"})})
	none := b.set(t, "none", kapivara.SubscriberPatch{Start: to(kapivara.Start{}), Types: to(kapivara.Filter{"else"})})
	b.all(t)
	b.wantDue(t, after, 8, 9, 10)
	b.wantDue(t, typed, 1, 3, 5, 7, 9)
	b.wantDue(t, named, 2, 4, 6, 8, 10)
	b.wantDue(t, none)
}

func backlogFilters(t *testing.T, b *backlogTest) {
	b.complete(t, 8)
	s := b.set(t, "s", kapivara.SubscriberPatch{Start: to(kapivara.Start{}), Types: to(kapivara.Filter{"odd"})})
	b.part(t)
	b.set(t, "s", kapivara.SubscriberPatch{Types: to(kapivara.Filter{"even"}), Start: to(kapivara.Start{After: 3})})
	b.complete(t, 2)
	b.all(t)
	b.wantDue(t, s, 1, 3, 5, 7, 10)
}

func backlogRemoved(t *testing.T, b *backlogTest) {
	b.complete(t, 8)
	s := b.set(t, "s", kapivara.SubscriberPatch{Start: to(kapivara.Start{})})
	b.part(t)
	must[int64](t)(b.registry.Subscribers.Remove(b.ctx, "s"))
	b.all(t)
	b.wantDue(t, s)
	again := b.set(t, "s", kapivara.SubscriberPatch{Start: to(kapivara.Start{After: 6})})
	b.all(t)
	b.wantDue(t, again, 7, 8)
}

func backlogNew(t *testing.T, b *backlogTest) {
	b.complete(t, 3)
	now := b.set(t, "now", kapivara.SubscriberPatch{})
	end := b.set(t, "end", kapivara.SubscriberPatch{Start: to(kapivara.Start{After: 3})})
	if now.Behind || end.Behind || b.part(t) {
		t.Errorf("behind: from now on %v, from the log's head on %v; or there was something to gather", now.Behind, end.Behind)
	}
	b.complete(t, 1)
	b.wantDue(t, now, 4)
	b.wantDue(t, end, 4)
}
