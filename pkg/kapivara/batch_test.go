package kapivara

import (
	"fmt"
	"testing"
)

func testRegistry(subscribers ...*Subscriber) *Registry {
	return &Registry{
		Version: 5, Publishers: map[string]*Publisher{"p": {Name: "p", Streams: Any()}}, Subscribers: subscribers,
		Types: map[string]*EventType{"opened": {Kind: 3, Type: "opened", Publisher: "p"}, "paid": {Kind: 4, Type: "paid", Publisher: "p"}},
	}
}

// draftAppend decides an append on the head and adds it.
func draftAppend(t *testing.T, d *Draft, head *Head, events ...NewEvent) *AppendResult {
	t.Helper()
	a := &Append{Stream: head.Stream, Events: events}
	decision, err := Decide(a, head, Known{}, Rules{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Add(a, head, decision)
}

func TestADraftGivesNumbersWithoutGaps(t *testing.T) {
	t.Parallel()
	tip := Tip{Head: 100, Streams: 20, Registry: 5, Tag: 1}
	d := NewDraft(tip, 2, testRegistry())
	one, two := &Head{Stream: "a/b/c/1"}, &Head{Stream: "a/b/c/2"}
	old := &Head{Stream: "a/b/c/0", No: 7}
	old.Add(1, false)
	old.Saved = 1
	draftAppend(t, d, one, event("a", 0, false), event("b", 0, false))
	draftAppend(t, d, two, event("c", 0, false))
	draftAppend(t, d, old, event("d", 0, false))
	r := draftAppend(t, d, one, event("e", 0, false))
	if r.Version != 3 || r.Events[0].Position != 3 || r.Events[0].LogPosition != 105 {
		t.Errorf("%+v", r)
	}
	b := d.Done()
	if one.No != 21 || two.No != 22 || len(b.New) != 2 || len(b.Grown) != 0 {
		t.Errorf("streams %d and %d, %d new, %d grown", one.No, two.No, len(b.New), len(b.Grown))
	}
	for i, e := range b.Events {
		if e.LogPosition != 101+int64(i) || e.Kind != 3 {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
	if got, want := b.Tip(), (Tip{Head: 105, Streams: 22, Registry: 5, Tag: 2}); got != want {
		t.Errorf("tip %+v, want %+v", got, want)
	}
	if one.Saved != 3 || old.Saved != 1 {
		t.Errorf("saved %d and %d, want 3 and 1", one.Saved, old.Saved)
	}
}

// A stored row follows when the stream is finished or completed, and each 64 positions; once a batch.
func TestARowFollowsItsHeadNowAndThen(t *testing.T) {
	t.Parallel()
	head := &Head{Stream: "a/b/c/1", No: 7}
	head.Add(1, false)
	head.Saved = 1
	batch := func(positions ...int) *Batch {
		d := NewDraft(Tip{Registry: 5}, 2, testRegistry())
		for _, p := range positions {
			draftAppend(t, d, head, event(fmt.Sprint(p), p, p == 100))
		}
		return d.Done()
	}
	for p := 2; p <= 64; p++ {
		if b := batch(p); len(b.Grown) != 0 {
			t.Fatalf("written after position %d, contiguous %d", p, head.Contiguous)
		}
	}
	if b := batch(65, 66, 67); len(b.Grown) != 1 || head.Saved != 67 {
		t.Errorf("grown %d times, saved %d; want once, with all of the batch", len(b.Grown), head.Saved)
	}
	if b := batch(70); len(b.Grown) != 0 {
		t.Error("written for a position above a hole")
	}
	if b := batch(100); len(b.Grown) != 1 {
		t.Error("not written with the finish position")
	}
	var rest []int
	for p := 68; p < 100; p++ {
		if p != 70 {
			rest = append(rest, p)
		}
	}
	if b := batch(rest...); len(b.Grown) != 1 || !head.Complete() || head.Completed == 0 {
		t.Errorf("not written when it was completed: %+v", head)
	}
}

func TestACompletedStreamIsDueByTypeStreamAndBucket(t *testing.T) {
	t.Parallel()
	all, paid, other := NewSubscriber("all"), NewSubscriber("paid"), NewSubscriber("other")
	all.No, paid.No, other.No = 1, 2, 3
	paid.Types, paid.Buckets, other.Streams = Filter{"paid"}, 1, Filter{"a/b/x/*"}
	d := NewDraft(Tip{Head: 10, Registry: 5}, 2, testRegistry(&all, &paid, &other))
	head := &Head{Stream: "a/b/c/1"}
	e := event("a", 0, false)
	e.Type = "paid"
	draftAppend(t, d, head, e)
	draftAppend(t, d, head, event("b", 0, true))
	draftAppend(t, d, &Head{Stream: "a/b/c/2"}, event("c", 0, true))
	b := d.Done()
	want := fmt.Sprint([]Due{
		{Subscriber: 1, Bucket: BucketOf(Stream("a/b/c/1").Hash(), false, 8, 0), LogPosition: 12, Stream: head.No},
		{Subscriber: 2, Bucket: 0, LogPosition: 12, Stream: head.No},
		{Subscriber: 1, Bucket: BucketOf(Stream("a/b/c/2").Hash(), false, 8, 0), LogPosition: 13, Stream: head.No + 1},
	})
	if got := fmt.Sprint(b.Due); got != want {
		t.Errorf("due %s, want %s", got, want)
	}
}
