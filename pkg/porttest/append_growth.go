package porttest

import (
	"fmt"
	"testing"

	"kapivara/pkg/kapivara"
)

// wantGrowths compares what is due to the subscriber, each as log position and how far it has grown, 0 for a completion.
func (a appendTest) wantGrowths(t *testing.T, s *kapivara.Subscriber, want ...string) {
	t.Helper()
	var got []string
	for _, d := range a.Due(t) {
		if d.Subscriber == s.No {
			got = append(got, fmt.Sprintf("%d:%d", d.LogPosition, d.Grown))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("due for %s: %v, want %v", s.Name, got, want)
	}
}

func appended(types ...string) kapivara.SubscriberPatch {
	patch := kapivara.SubscriberPatch{Deliver: to(kapivara.DeliverAppended)}
	if len(types) > 0 {
		patch.Types = to(kapivara.Filter(types))
	}
	return patch
}

// Two writers in turn: what one knows of a stream's types and holes it has read from the store.
func appendDueGrowths(t *testing.T, a appendTest) {
	all, paid := a.subscriber(t, "all", appended()), a.subscriber(t, "paid", appended("paid"))
	some := a.subscriber(t, "some", kapivara.SubscriberPatch{
		Deliver: to(kapivara.DeliverAppended), Streams: to(kapivara.Filter{appendStream("B*")}),
	})
	whole := a.subscriber(t, "whole", kapivara.SubscriberPatch{})
	one, two := a.writer(t), a.writer(t)
	one.ok(t, appendTo("A", appendTyped("paid", appendAt(3, "a3"))))                  // 1
	two.ok(t, appendTo("A", appendAt(1, "a1")))                                       // 2
	one.ok(t, appendTo("B", appendAt(2, "b2"), appendAt(1, "b1"), appendAt(4, "b4"))) // 3 to 5
	two.ok(t, appendTo("A", appendFinal(5, "a5"), appendAt(2, "a2")))                 // 6, 7: up to 3
	one.ok(t, appendTo("A", appendAt(4, "a4")))                                       // 8: completes A
	two.ok(t, appendTo("A", appendAt(4, "a4")))                                       // a repeat
	one.refused(t, appendTo("A", appendAt(6, "a6")), kapivara.StreamFinished, appendEnded("A", 5))
	a.wantGrowths(t, all, "2:1", "4:2", "7:3", "8:5")
	a.wantGrowths(t, paid, "7:3", "8:5")
	a.wantGrowths(t, some, "4:2")
	a.wantGrowths(t, whole, "8:0")
}

// Part 10: each append is judged by the mode in force at its log position; later changes neither add nor take away.
func appendDueModes(t *testing.T, a appendTest) {
	a.subscriber(t, "s", appended())
	one, two := a.writer(t), a.writer(t)
	one.ok(t, appendTo("A", appendEvent("a1"))) // 1
	a.subscriber(t, "s", kapivara.SubscriberPatch{Deliver: to(kapivara.DeliverComplete)})
	two.ok(t, appendTo("A", appendEvent("a2")))    // 2
	one.ok(t, appendTo("B", appendFinal(0, "b1"))) // 3
	a.subscriber(t, "s", appended())
	two.ok(t, appendTo("A", appendFinal(0, "a3"))) // 4
	s := a.subscriber(t, "s", kapivara.SubscriberPatch{Deliver: to(kapivara.DeliverComplete)})
	one.ok(t, appendTo("C", appendFinal(0, "c1"))) // 5
	a.wantGrowths(t, s, "1:1", "3:0", "4:3", "5:0")
	stored := must[*kapivara.Registry](t)(a.Registry.Registry(t.Context())) // the flag is the store's own and on no wire
	if !stored.Subscriber("s").Grown {
		t.Error("it is forgotten that it was appended")
	}
}
