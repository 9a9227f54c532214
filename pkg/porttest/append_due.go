package porttest

import (
	"fmt"
	"reflect"
	"testing"

	"kapivara/pkg/kapivara"
)

func appendTyped(name string, e kapivara.NewEvent) kapivara.NewEvent {
	e.Type = name
	return e
}

func (a appendTest) subscriber(t *testing.T, name string, patch kapivara.SubscriberPatch) *kapivara.Subscriber {
	t.Helper()
	return must[*kapivara.Subscriber](t)(a.registry.Subscribers.Set(t.Context(), name, patch))
}

// wantDue compares what is due with the log positions for each subscriber, and the buckets with the published rule.
func (a appendTest) wantDue(t *testing.T, want map[*kapivara.Subscriber][]int64) {
	t.Helper()
	log := a.Events(t)
	got := map[int32][]int64{}
	numbers := map[int64]kapivara.Stream{}
	for _, d := range a.Due(t) {
		got[d.Subscriber] = append(got[d.Subscriber], d.LogPosition)
		stream := log[d.LogPosition-1].Stream
		if other, ok := numbers[d.Stream]; ok && other != stream {
			t.Errorf("the number %d stands for %s and %s", d.Stream, other, stream)
		}
		numbers[d.Stream] = stream
		for s := range want {
			if rule := kapivara.BucketOf(stream.Hash(), false, s.Buckets, s.CanaryBuckets); s.No == d.Subscriber && d.Bucket != rule {
				t.Errorf("%s for %s is in bucket %s, want %s", stream, s.Name, d.Bucket, rule)
			}
		}
	}
	for s, positions := range want {
		if !reflect.DeepEqual(got[s.No], positions) {
			t.Errorf("due for %s: %v, want %v", s.Name, got[s.No], positions)
		}
	}
}

func appendDue(t *testing.T, a appendTest) {
	all := a.subscriber(t, "all", kapivara.SubscriberPatch{})
	typed := a.subscriber(t, "typed", kapivara.SubscriberPatch{Types: to(kapivara.Filter{"paid", "check.*"}), Buckets: to(3)})
	some := a.subscriber(t, "some", kapivara.SubscriberPatch{Streams: to(kapivara.Filter{appendStream("A*")}), Buckets: to(1024)})
	none := a.subscriber(t, "none", kapivara.SubscriberPatch{Types: to(kapivara.Filter{"never"})})
	w := a.writer(t)
	w.ok(t, appendTo("A", appendAt(3, "a3"), appendFinal(4, "a4"))) // 1, 2
	w.ok(t, appendTo("A", appendTyped("check.first", appendAt(2, "a2"))))
	w.ok(t, appendTo("B", appendEvent("b1"), appendFinal(0, "b2")))    // 4, 5: complete by 5
	w.ok(t, appendTo("C", appendTyped("paid", appendFinal(1, "c1"))))  // 6
	w.ok(t, appendTo("D", appendTyped("check", appendFinal(1, "d1")))) // 7: check is no check.*
	a.wantDue(t, map[*kapivara.Subscriber][]int64{all: {5, 6, 7}, typed: {6}, some: nil, none: nil})
	w.ok(t, appendTo("A", appendAt(1, "a1"))) // 8 completes A: one fitting type brings the whole stream
	a.wantDue(t, map[*kapivara.Subscriber][]int64{all: {5, 6, 7, 8}, typed: {6, 8}, some: {8}, none: nil})
	for i := range 20 {
		w.ok(t, appendTo(fmt.Sprint("A", i), appendFinal(0, fmt.Sprint("many", i)))) // 9 to 28
	}
	var more []int64
	for i := range int64(20) {
		more = append(more, 9+i)
	}
	a.wantDue(t, map[*kapivara.Subscriber][]int64{
		all: append([]int64{5, 6, 7, 8}, more...), typed: {6, 8}, some: append([]int64{8}, more...), none: nil,
	})
}

func appendDueEarlier(t *testing.T, a appendTest) {
	writers := []*appendWriter{a.writer(t), a.writer(t)}
	for i, w := range writers {
		w.ok(t, appendTo(fmt.Sprint("S", i), appendTyped("paid", appendEvent(fmt.Sprint("a", i))), appendEvent(fmt.Sprint("b", i)))) // 1-4
	}
	typed := a.subscriber(t, "typed", kapivara.SubscriberPatch{Types: to(kapivara.Filter{"paid"})})
	for i, w := range writers {
		w.ok(t, appendTo(fmt.Sprint("S", i), appendFinal(0, fmt.Sprint("c", i)))) // 5, 6
		w.ok(t, appendTo(fmt.Sprint("T", i), appendFinal(0, fmt.Sprint("d", i)))) // 7, 8, without the type
	}
	a.wantDue(t, map[*kapivara.Subscriber][]int64{typed: {5, 7}})
	if _, err := a.registry.Subscribers.Remove(t.Context(), "typed"); err != nil {
		t.Fatal(err)
	}
	before := len(a.Due(t))
	writers[0].ok(t, appendTo("U", appendTyped("paid", appendFinal(0, "u"))))
	if after := len(a.Due(t)); after > before {
		t.Errorf("a stream is due to a subscriber that was removed")
	}
}

func appendDueCanary(t *testing.T, a appendTest) {
	with, without := kapivara.NewSubscriber("with"), kapivara.NewSubscriber("without")
	with.CanaryBuckets = 2
	for _, s := range []*kapivara.Subscriber{&with, &without} {
		if _, err := a.Registry.Change(t.Context(), func(*kapivara.Registry, int64) (kapivara.Change, error) {
			return kapivara.Change{SetSubscriber: s}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	w := a.writer(t)
	for i := range 6 {
		w.ok(t, appendCanary(i%2 == 0, appendTo(fmt.Sprint("S", i), appendFinal(1, fmt.Sprint("a", i)))))
	}
	log := a.wantLog(t, 6)
	due := a.Due(t)
	if len(due) != 12 {
		t.Fatalf("%d are due, want 12", len(due))
	}
	for _, d := range due {
		canary := d.LogPosition%2 == 1
		s := &without
		if d.Subscriber == with.No {
			s = &with
		}
		want := kapivara.BucketOf(log[d.LogPosition-1].Stream.Hash(), canary, s.Buckets, s.CanaryBuckets)
		if d.Bucket != want || d.Bucket.Canary() != (canary && s == &with) {
			t.Errorf("log position %d for %s is in bucket %s, want %s", d.LogPosition, s.Name, d.Bucket, want)
		}
	}
}

func appendDueOnce(t *testing.T, a appendTest) {
	all := a.subscriber(t, "all", kapivara.SubscriberPatch{})
	w := a.writer(t)
	w.ok(t, appendTo("S", appendFinal(2, "b")))
	w.refused(t, appendTo("S", appendAt(1, "a"), appendAt(3, "c")), kapivara.StreamFinished, appendEnded("S", 2, kapivara.Range{From: 1, To: 1}))
	a.wantDue(t, map[*kapivara.Subscriber][]int64{all: nil})
	w.ok(t, appendTo("S", appendAt(1, "a")))
	for _, w := range []*appendWriter{w, a.writer(t)} {
		w.ok(t, appendTo("S", appendAt(1, "a"), appendFinal(2, "b")))
	}
	a.wantDue(t, map[*kapivara.Subscriber][]int64{all: {2}})
}
