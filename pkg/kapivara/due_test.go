package kapivara

import (
	"fmt"
	"testing"
)

// grownRegistry has a subscriber of growths, one of growths that hold "paid", and one of whole streams.
func grownRegistry() *Registry {
	all, paid, whole := NewSubscriber("all"), NewSubscriber("paid"), NewSubscriber("whole")
	all.No, paid.No, whole.No = 1, 2, 3
	all.Deliver, paid.Deliver, paid.Types = DeliverAppended, DeliverAppended, Filter{"paid"}
	all.Buckets, paid.Buckets, whole.Buckets = 1, 1, 1
	return testRegistry(&all, &paid, &whole)
}

func dueOf(b *Batch) (due []string) {
	for _, d := range b.Due {
		due = append(due, fmt.Sprintf("%d@%d:%d", d.Subscriber, d.LogPosition, d.Grown))
	}
	return due
}

// I-12: an event above a hole is not due. What fills the hole makes all due that it lets grow, by its own log position:
// the known wrong way is one delivery for each event, in the order of arrival.
func TestTheEventThatFillsAHoleMakesTheGrowthDue(t *testing.T) {
	t.Parallel()
	head := &Head{Stream: "a/b/c/1"}
	registry, at := grownRegistry(), int64(10)
	for i, c := range []struct {
		position int
		final    bool
		want     string
	}{
		{4, true, "[]"}, {3, false, "[]"}, {1, false, "[1@13:1]"}, {2, false, "[1@14:4 3@14:0]"},
	} {
		d := NewDraft(Tip{Head: at, Registry: 5}, 2, registry)
		draftAppend(t, d, head, event(fmt.Sprint(i), c.position, c.final))
		b := d.Done()
		at = b.Tip().Head
		if got := fmt.Sprint(dueOf(b)); got != c.want {
			t.Errorf("after position %d: due %s, want %s", c.position, got, c.want)
		}
	}
}

// Within a batch growths of a stream are joined: they become visible at once.
func TestGrowthsOfABatchAreJoined(t *testing.T) {
	t.Parallel()
	d := NewDraft(Tip{Head: 10, Registry: 5}, 2, grownRegistry())
	one, two := &Head{Stream: "a/b/c/1"}, &Head{Stream: "a/b/c/2"}
	draftAppend(t, d, one, event("a", 3, false), event("b", 1, false), event("c", 2, false)) // 11 to 13
	draftAppend(t, d, two, event("d", 2, false))                                             // 14
	draftAppend(t, d, one, event("e", 4, false))                                             // 15
	draftAppend(t, d, two, event("f", 1, false))                                             // 16
	if got, want := fmt.Sprint(dueOf(d.Done())), "[1@13:4 1@16:2]"; got != want {
		t.Errorf("due %s, want %s", got, want)
	}
}

// A growth is due by the types of its contiguous part: one above a hole does not count yet, one below brings all of it.
func TestAGrowthIsDueByTheTypesBelowTheHole(t *testing.T) {
	t.Parallel()
	head, at := &Head{Stream: "a/b/c/1"}, int64(10)
	paid := event("a", 3, false)
	paid.Type = "paid"
	for _, c := range []struct {
		e    NewEvent
		want string
	}{
		{paid, "[]"}, {event("b", 1, false), "[1@12:1]"}, {event("c", 2, false), "[1@13:3 2@13:3]"}, {event("d", 4, false), "[1@14:4 2@14:4]"},
	} {
		d := NewDraft(Tip{Head: at, Registry: 5}, 2, grownRegistry())
		draftAppend(t, d, head, c.e)
		b := d.Done()
		at = b.Tip().Head
		if got := fmt.Sprint(dueOf(b)); got != c.want {
			t.Errorf("after %s: due %s, want %s", c.e.ID, got, c.want)
		}
	}
}

func TestAStretchGoesOnWhereTheOneBeforeHasEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		w        Waiting
		from, to int
		covered  bool
	}{
		"the first":                  {Waiting{Due: Due{Grown: 3}, Cause: CauseAppended, Contiguous: 3}, 1, 3, false},
		"growths that wait":          {Waiting{Due: Due{Grown: 4}, Cause: CauseAppended, Contiguous: 9, Delivered: 3}, 4, 9, false},
		"held by an earlier one":     {Waiting{Due: Due{Grown: 3}, Cause: CauseAppended, Contiguous: 9, Delivered: 3}, 4, 9, true},
		"a whole stream":             {Waiting{Cause: CauseComplete, Finish: 9, Complete: true, Contiguous: 9, Delivered: 3}, 1, 9, false},
		"an open stream, sent again": {Waiting{Cause: CauseReplay, Contiguous: 5, Delivered: 3}, 1, 5, false},
	} {
		if from, to := c.w.Stretch(); from != c.from || to != c.to || c.w.Covered() != c.covered {
			t.Errorf("%s: %d to %d, covered %v; want %d to %d, %v", name, from, to, c.w.Covered(), c.from, c.to, c.covered)
		}
	}
}

// Whoever was "appended" once may have growths that hold others back, whatever its mode is now.
func TestASubscriberRemembersThatItWasAppended(t *testing.T) {
	t.Parallel()
	r := registry(true)
	for _, mode := range []Mode{DeliverComplete, DeliverAppended, DeliverComplete} {
		s, change, err := r.SetSubscriber("billing", SubscriberPatch{Deliver: ptr(mode)}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if change.SetSubscriber != nil {
			r.Subscribers[0] = s
		}
	}
	if s := r.Subscribers[0]; s.Deliver != DeliverComplete || !s.Grown {
		t.Errorf("deliver %s, grown %v; want complete and true", s.Deliver, s.Grown)
	}
}
