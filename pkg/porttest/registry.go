package porttest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

// Registry holds a store of the registry to its port. open makes an empty store whose registry is open or strict.
func Registry(t *testing.T, open func(t *testing.T, open bool) writer.RegistryStore) {
	RegistryRecords(t, func(t *testing.T, unknown bool) (*Records, writer.RegistryStore, func() int) {
		changes := 0
		var mu sync.Mutex
		store := open(t, unknown)
		r := writer.NewRegistry(store, func([]byte) error { return nil }, func(int64) {
			mu.Lock()
			defer mu.Unlock()
			changes++
		})
		return recordsOf(r), store, func() int {
			mu.Lock()
			defer mu.Unlock()
			return changes
		}
	})
}

// RegistryRecords is Registry for whoever changes the records of a store. told gives how many changes others were told
// of; nil where that cannot be counted.
func RegistryRecords(t *testing.T, open func(t *testing.T, open bool) (r *Records, store writer.RegistryStore, told func() int)) {
	for name, test := range map[string]func(*testing.T, registryTest){
		"a new record has the defaults and can be read":       registryDefaults,
		"a set changes only what it names":                    registryMerges,
		"a set of the same changes nothing":                   registryRepeats,
		"an event type belongs to one publisher":              registryOwner,
		"a removed event type set again keeps its kind":       registryKinds,
		"a removed subscriber set again is a new one":         registryRemoves,
		"what is not there is not found":                      registryMissing,
		"lists are pages in the order of names":               registryLists,
		"a refused decision changes nothing":                  registryRefuses,
		"changes that race are each made on the last one":     registryRaces,
		"an open registry sets the publisher with its type":   registryOpen,
		"a registry that was read does not change afterwards": registryImmutable,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, store, told := open(t, false)
			test(t, registryTest{r, store, t.Context(), told})
		})
	}
	t.Run("an open registry sets the publisher with its type", func(t *testing.T) {
		t.Parallel()
		r, store, told := open(t, true)
		registryOpen(t, registryTest{r, store, t.Context(), told})
	})
}

func (r registryTest) version(t *testing.T) int64 {
	t.Helper()
	snapshot, err := r.store.Registry(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.Version
}

func registryDefaults(t *testing.T, r registryTest) {
	before := r.version(t)
	must[*kapivara.Publisher](t)(r.Publishers.Set(r.ctx, "loans", kapivara.PublisherPatch{}))
	must[*kapivara.EventType](t)(r.EventTypes.Set(r.ctx, kapivara.TypeKey{Publisher: "loans", Type: "opened"}, kapivara.EventTypePatch{}))
	set := must[*kapivara.Subscriber](t)(r.Subscribers.Set(r.ctx, "billing", kapivara.SubscriberPatch{}))
	if got := r.version(t); got != before+3 {
		t.Errorf("the version went from %d to %d, want one step for each of 3", before, got)
	}
	r.wantTold(t, 3)
	got := must[*kapivara.Subscriber](t)(r.Subscribers.Get(r.ctx, "billing"))
	want := kapivara.NewSubscriber("billing")
	want.No, want.Created = got.No, got.Created
	if !sameRecord(*got, want) || !sameRecord(*set, want) {
		t.Errorf("subscriber: set gave %+v, get %+v, want %+v", set, got, want)
	}
	if got.No == 0 || got.Created.IsZero() {
		t.Errorf("subscriber: no %d, created %v", got.No, got.Created)
	}
	p := must[*kapivara.Publisher](t)(r.Publishers.Get(r.ctx, "loans"))
	if p.Name != "loans" || !p.Streams.All() || p.Created.IsZero() {
		t.Errorf("publisher: got %+v", p)
	}
	e := must[*kapivara.EventType](t)(r.EventTypes.Get(r.ctx, kapivara.TypeKey{Publisher: "loans", Type: "opened"}))
	if e.Kind == 0 || e.Publisher != "loans" || e.Schema != nil || e.Metadata != nil || e.Created.IsZero() {
		t.Errorf("event type: got %+v", e)
	}
}

func sameRecord(a, b any) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) }

func registryMerges(t *testing.T, r registryTest) {
	first := must[*kapivara.Subscriber](t)(r.Subscribers.Set(r.ctx, "billing", kapivara.SubscriberPatch{
		Description: to("first \"line\"\n\\"), System: to("loans"), Types: to(kapivara.Filter{"a.*", "b"}),
		Streams: to(kapivara.Filter{"x/*"}), Buckets: to(3), MaxAttempts: to(0), MaxInFlight: to(7),
		Start: to(kapivara.Start{}), Backoff: to([]time.Duration{0, time.Hour}), AckWait: to(1500 * time.Millisecond),
	}))
	second := must[*kapivara.Subscriber](t)(r.Subscribers.Set(r.ctx, "billing", kapivara.SubscriberPatch{MaxInFlight: to(9)}))
	want := *first
	want.MaxInFlight = 9
	if !sameRecord(*second, want) {
		t.Errorf("set gave %+v, want %+v", second, want)
	}
	if got := must[*kapivara.Subscriber](t)(r.Subscribers.Get(r.ctx, "billing")); !sameRecord(*got, want) {
		t.Errorf("get gave %+v, want %+v", got, want)
	}
	key := kapivara.TypeKey{Publisher: "loans", Type: "T02 \"Check\" ✓"}
	must[*kapivara.Publisher](t)(r.Publishers.Set(r.ctx, "loans", kapivara.PublisherPatch{Streams: to(kapivara.Filter{"a/*", "b"})}))
	must[*kapivara.EventType](t)(r.EventTypes.Set(r.ctx, key, kapivara.EventTypePatch{Schema: to([]byte(`{"type":"object"}`)), Metadata: to([]byte(`{"a":"\u0000"}`))}))
	must[*kapivara.EventType](t)(r.EventTypes.Set(r.ctx, key, kapivara.EventTypePatch{Metadata: to([]byte(`{"b":2}`))}))
	e := must[*kapivara.EventType](t)(r.EventTypes.Get(r.ctx, key))
	if string(e.Schema) != `{"type":"object"}` || string(e.Metadata) != `{"a":"\u0000","b":2}` {
		t.Errorf("event type: schema %s, metadata %s", e.Schema, e.Metadata)
	}
	must[*kapivara.EventType](t)(r.EventTypes.Set(r.ctx, key, kapivara.EventTypePatch{Schema: to([]byte(nil)), Metadata: to([]byte("null"))}))
	if e = must[*kapivara.EventType](t)(r.EventTypes.Get(r.ctx, key)); e.Schema != nil || e.Metadata != nil {
		t.Errorf("event type after reset: schema %s, metadata %s", e.Schema, e.Metadata)
	}
}

func registryRepeats(t *testing.T, r registryTest) {
	patch := kapivara.SubscriberPatch{Types: to(kapivara.Filter{"a"}), Start: to(kapivara.Start{After: 0})}
	first := must[*kapivara.Subscriber](t)(r.Subscribers.Set(r.ctx, "billing", patch))
	before := r.version(t)
	again := must[*kapivara.Subscriber](t)(r.Subscribers.Set(r.ctx, "billing", patch))
	if !sameRecord(*first, *again) {
		t.Errorf("first %+v, again %+v", first, again)
	}
	if after := r.version(t); after != before {
		t.Errorf("version %d, then %d", before, after)
	}
	r.wantTold(t, 1)
}

func registryOwner(t *testing.T, r registryTest) {
	for _, name := range []string{"one", "two"} {
		must[*kapivara.Publisher](t)(r.Publishers.Set(r.ctx, name, kapivara.PublisherPatch{}))
	}
	one, two := kapivara.TypeKey{Publisher: "one", Type: "opened"}, kapivara.TypeKey{Publisher: "two", Type: "opened"}
	must[*kapivara.EventType](t)(r.EventTypes.Set(r.ctx, one, kapivara.EventTypePatch{}))
	_, err := r.EventTypes.Set(r.ctx, two, kapivara.EventTypePatch{})
	wantCode(t, err, kapivara.Forbidden)
	_, err = r.EventTypes.Get(r.ctx, two)
	wantCode(t, err, kapivara.NotFound)
	_, err = r.EventTypes.Remove(r.ctx, two)
	wantCode(t, err, kapivara.NotFound)
	_, err = r.Publishers.Remove(r.ctx, "one")
	wantCode(t, err, kapivara.InvalidRequest)
	must[int64](t)(r.EventTypes.Remove(r.ctx, one))
	must[*kapivara.EventType](t)(r.EventTypes.Set(r.ctx, two, kapivara.EventTypePatch{}))
	must[int64](t)(r.Publishers.Remove(r.ctx, "one"))
	_, err = r.EventTypes.Set(r.ctx, kapivara.TypeKey{Publisher: "one", Type: "else"}, kapivara.EventTypePatch{})
	wantCode(t, err, kapivara.NotFound)
}

func registryKinds(t *testing.T, r registryTest) {
	must[*kapivara.Publisher](t)(r.Publishers.Set(r.ctx, "one", kapivara.PublisherPatch{}))
	key := kapivara.TypeKey{Publisher: "one", Type: "opened"}
	first := must[*kapivara.EventType](t)(r.EventTypes.Set(r.ctx, key, kapivara.EventTypePatch{}))
	other := must[*kapivara.EventType](t)(r.EventTypes.Set(r.ctx, kapivara.TypeKey{Publisher: "one", Type: "closed"}, kapivara.EventTypePatch{}))
	must[int64](t)(r.EventTypes.Remove(r.ctx, key))
	again := must[*kapivara.EventType](t)(r.EventTypes.Set(r.ctx, key, kapivara.EventTypePatch{}))
	if first.Kind != again.Kind || first.Kind == other.Kind {
		t.Errorf("kinds: first %d, another type's %d, again %d", first.Kind, other.Kind, again.Kind)
	}
}

func registryRemoves(t *testing.T, r registryTest) {
	first := must[*kapivara.Subscriber](t)(r.Subscribers.Set(r.ctx, "billing", kapivara.SubscriberPatch{Buckets: to(4)}))
	must[int64](t)(r.Subscribers.Remove(r.ctx, "billing"))
	_, err := r.Subscribers.Get(r.ctx, "billing")
	wantCode(t, err, kapivara.NotFound)
	_, err = r.Subscribers.Remove(r.ctx, "billing")
	wantCode(t, err, kapivara.NotFound)
	again := must[*kapivara.Subscriber](t)(r.Subscribers.Set(r.ctx, "billing", kapivara.SubscriberPatch{}))
	if again.No == first.No || again.Buckets != 8 {
		t.Errorf("set again: no %d (the first had %d), %d buckets, want 8", again.No, first.No, again.Buckets)
	}
}

func registryMissing(t *testing.T, r registryTest) {
	_, err := r.Publishers.Get(r.ctx, "none")
	wantCode(t, err, kapivara.NotFound)
	_, err = r.Publishers.Remove(r.ctx, "none")
	wantCode(t, err, kapivara.NotFound)
	_, err = r.EventTypes.Get(r.ctx, kapivara.TypeKey{Publisher: "none", Type: "none"})
	wantCode(t, err, kapivara.NotFound)
	_, err = r.Subscribers.Get(r.ctx, "none")
	wantCode(t, err, kapivara.NotFound)
}

func registryLists(t *testing.T, r registryTest) {
	for _, name := range []string{"d", "b", "a", "c"} {
		must[*kapivara.Publisher](t)(r.Publishers.Set(r.ctx, name, kapivara.PublisherPatch{}))
		must[*kapivara.Subscriber](t)(r.Subscribers.Set(r.ctx, name, kapivara.SubscriberPatch{}))
		must[*kapivara.EventType](t)(r.EventTypes.Set(r.ctx, kapivara.TypeKey{Publisher: "d", Type: name}, kapivara.EventTypePatch{}))
	}
	publishers, more, err := r.Publishers.List(r.ctx, "a", 2)
	if err != nil || len(publishers) != 2 || publishers[0].Name != "b" || publishers[1].Name != "c" || !more {
		t.Errorf("publishers: %v, more %v, error %v", publishers, more, err)
	}
	types, more, err := r.EventTypes.List(r.ctx, "c", 2)
	if err != nil || len(types) != 1 || types[0].Type != "d" || more {
		t.Errorf("event types: %v, more %v, error %v", types, more, err)
	}
	subscribers, more, err := r.Subscribers.List(r.ctx, "", 100)
	if err != nil || len(subscribers) != 4 || subscribers[3].Name != "d" || more {
		t.Errorf("subscribers: %v, more %v, error %v", subscribers, more, err)
	}
}

func registryRefuses(t *testing.T, r registryTest) {
	before := r.version(t)
	refusal := kapivara.Refuse(kapivara.Forbidden, "no")
	p := kapivara.NewPublisher("loans")
	_, err := r.store.Change(r.ctx, func(*kapivara.Registry, int64) (kapivara.Change, error) {
		return kapivara.Change{SetPublisher: &p}, refusal
	})
	wantCode(t, err, kapivara.Forbidden)
	_, err = r.Publishers.Get(r.ctx, "loans")
	wantCode(t, err, kapivara.NotFound)
	if after := r.version(t); after != before {
		t.Errorf("the version went from %d to %d", before, after)
	}
}

func registryRaces(t *testing.T, r registryTest) {
	const changes = 20
	before := r.version(t)
	var wg sync.WaitGroup
	for i := range changes {
		wg.Go(func() {
			if _, err := r.Subscribers.Set(r.ctx, "billing", kapivara.SubscriberPatch{MaxInFlight: to(i + 2)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if after := r.version(t); after != before+changes {
		t.Errorf("the version went from %d to %d, want one step for each of %d changes", before, after, changes)
	}
	if list, _, err := r.Subscribers.List(r.ctx, "", 10); err != nil || len(list) != 1 {
		t.Errorf("got %d subscribers, error %v, want 1", len(list), err)
	}
}

func registryOpen(t *testing.T, r registryTest) {
	snapshot := must[*kapivara.Registry](t)(r.store.Registry(r.ctx))
	_, err := r.EventTypes.Set(r.ctx, kapivara.TypeKey{Publisher: "loans", Type: "opened"}, kapivara.EventTypePatch{})
	if !snapshot.Open {
		wantCode(t, err, kapivara.NotFound)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if p := must[*kapivara.Publisher](t)(r.Publishers.Get(r.ctx, "loans")); !p.Streams.All() {
		t.Errorf("got %+v", p)
	}
}

func registryImmutable(t *testing.T, r registryTest) {
	must[*kapivara.Subscriber](t)(r.Subscribers.Set(r.ctx, "billing", kapivara.SubscriberPatch{}))
	snapshot := must[*kapivara.Registry](t)(r.store.Registry(r.ctx))
	must[*kapivara.Subscriber](t)(r.Subscribers.Set(r.ctx, "billing", kapivara.SubscriberPatch{MaxInFlight: to(5)}))
	must[*kapivara.Subscriber](t)(r.Subscribers.Set(r.ctx, "audit", kapivara.SubscriberPatch{}))
	if len(snapshot.Subscribers) != 1 || snapshot.Subscribers[0].MaxInFlight != 1 {
		t.Errorf("it has %d subscribers, the first with max_in_flight %d", len(snapshot.Subscribers), snapshot.Subscribers[0].MaxInFlight)
	}
}
