package porttest

import (
	"fmt"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
)

// dispatchGrowths are the cases of deliver: "appended".
func dispatchGrowths() map[string]func(*testing.T, *desk) {
	return map[string]func(*testing.T, *desk){
		"a growth is the stretch up to the first hole":              growthStretch,
		"growths that wait are joined and go with the first":        growthJoined,
		"an unsettled delivery holds back what waits of its stream": growthHeld,
		"of what waits of a stream a verb takes the first":          growthOperated,
		"a verb takes the first in whatever bucket it waits":        growthOperatedMoving,
		"a growth is leased once":                                   growthOnce,
		"a replay waits for the whole stream that is parked":        growthReplay,
		"a growth that a delivery holds is dropped":                 growthDropped,
		"a switch of the mode keeps what is due":                    growthSwitch,
		"the row of the stream is a lower bound only":               growthLong,
	}
}

// grow sets the subscriber to growths.
func (d *desk) grow() {
	d.t.Helper()
	d.mode(kapivara.DeliverAppended)
}

func (d *desk) mode(mode kapivara.Mode) {
	d.t.Helper()
	s := kapivara.NewSubscriber("billing")
	s.Buckets, s.Deliver = 1, mode
	if no := d.Subscribe(s); no != d.subscriber {
		d.t.Fatalf("got the number %d for a change of %d", no, d.subscriber)
	}
}

// waits gives what waits and nothing holds back, in short: log position, cause, and the stretch of its delivery.
func (d *desk) waits() (all []string) {
	d.t.Helper()
	for _, w := range d.look(kapivara.LaneQuery{Limit: 100, Grown: true}).Lanes[0].Due {
		all = append(all, brief(w))
	}
	return all
}

func brief(w kapivara.Waiting) string {
	from, to := w.Stretch()
	return fmt.Sprintf("%d %s %s %d-%d", w.LogPosition, w.Name[len("a/b/c/"):], w.Cause, from, to)
}

func (d *desk) wantWaits(want ...string) {
	d.t.Helper()
	if got := d.waits(); fmt.Sprint(got) != fmt.Sprint(want) {
		d.t.Errorf("got %q, want %q", got, want)
	}
}

// leaseFirst leases what waits first.
func (d *desk) leaseFirst() kapivara.Numbered {
	d.t.Helper()
	due := d.look(kapivara.LaneQuery{Limit: 1, Grown: true}).Lanes[0].Due
	if len(due) != 1 {
		d.t.Fatalf("got %d that wait, want 1", len(due))
	}
	lease := d.leaseNext(due[0])
	d.must(kapivara.Turn{Leases: []kapivara.NewDelivery{lease}})
	return d.find(lease.Ref)
}

func (d *desk) commit(n kapivara.Numbered) {
	d.t.Helper()
	d.must(kapivara.Turn{Commits: []kapivara.Commit{{Ref: n.Ref, Attempt: n.Lease.Attempt, Retried: n.Retried}}})
}

func growthStretch(t *testing.T, d *desk) {
	d.grow()
	d.Append("a/b/c/1", false, 0, 3)    // 1
	d.Append("a/b/c/1", false, 0, 5, 4) // 2, 3
	d.wantWaits()
	d.Append("a/b/c/1", false, 0, 1) // 4
	d.wantWaits("4 1 appended 1-1")
	n := d.leaseFirst()
	if n.From != 1 || n.To != 1 || n.Cause != kapivara.CauseAppended || n.Version != 5 || n.Finish != 0 || n.Complete {
		t.Errorf("got %+v, want 1 to 1 of an open stream at version 5", n)
	}
	d.commit(n)
	d.wantWaits()
	d.Append("a/b/c/1", false, 7, 7, 2) // 8: up to 5, since 6 is missing
	d.wantWaits("6 1 appended 2-5")
	w := d.look(kapivara.LaneQuery{Limit: 1, Grown: true}).Lanes[0].Due[0]
	if w.Version != 7 || w.Finish != 7 || w.Complete || w.Grown != 5 || w.Contiguous != 5 || w.Delivered != 1 {
		t.Errorf("got %+v", w)
	}
	d.Append("a/b/c/1", false, 7, 6)
	n = d.leaseFirst()
	if n.From != 2 || n.To != 7 || n.Version != 7 || n.Finish != 7 || !n.Complete {
		t.Errorf("got %+v, want 2 to 7 of the complete stream", n)
	}
	d.commit(n)
	d.wantWaits()
}

func growthJoined(t *testing.T, d *desk) {
	d.grow()
	d.Append("a/b/c/1", false, 0, 1) // 1
	d.Append("a/b/c/2", false, 0, 1) // 2
	d.Append("a/b/c/1", false, 0, 2) // 3
	d.Append("a/b/c/1", false, 0, 3) // 4
	d.wantWaits("1 1 appended 1-3", "2 2 appended 1-1")
	if due := d.due(); len(due) != 4 {
		t.Errorf("without the rule %d rows wait, want 4", len(due))
	}
	d.leaseFirst()
	if due := d.due(); len(due) != 1 || due[0].LogPosition != 2 {
		t.Errorf("got %+v, want the other stream alone: the delivery holds the growths", due)
	}
}

func growthHeld(t *testing.T, d *desk) {
	d.grow()
	d.Append("a/b/c/1", false, 0, 1)
	n := d.leaseFirst()
	d.Append("a/b/c/1", false, 0, 2)
	d.Append("a/b/c/2", false, 0, 1)
	freed := func() (all []string) {
		for _, w := range d.look(kapivara.LaneQuery{Grown: true, Freed: []int64{n.Stream}}).Lanes[0].Freed {
			all = append(all, brief(w))
		}
		return all
	}
	for _, state := range []kapivara.State{kapivara.Hidden, kapivara.Parked, kapivara.Pending} {
		d.wantWaits("3 2 appended 1-1")
		if got := freed(); len(got) > 0 {
			t.Errorf("before it is %s the stream is free for %q", state, got)
		}
		lease := kapivara.Lease{State: state, Attempt: 1, Counted: 1, Sent: n.Lease.Sent, Reason: "x"}
		if state == kapivara.Hidden {
			lease.Until = time.Now().Add(time.Hour)
		}
		d.must(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: n.Ref, Lease: lease, After: time.Hour}}})
	}
	d.wantWaits("3 2 appended 1-1")
	gone := kapivara.Lease{State: kapivara.Discarded, Attempt: 1, Sent: n.Lease.Sent}
	d.must(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: n.Ref, Lease: gone}}})
	d.wantWaits("2 1 appended 2-2", "3 2 appended 1-1")
	if got := freed(); fmt.Sprint(got) != "[2 1 appended 2-2]" {
		t.Errorf("the stream is free for %q", got)
	}
}

func growthOnce(t *testing.T, d *desk) {
	d.grow()
	d.Append("a/b/c/1", false, 0, 1)
	first := d.look(kapivara.LaneQuery{Limit: 1, Grown: true}).Lanes[0].Due[0]
	d.commit(d.leaseFirst())
	d.Append("a/b/c/1", false, 0, 2)
	stale := d.leaseNext(d.look(kapivara.LaneQuery{Limit: 1, Grown: true}).Lanes[0].Due[0])
	stale.From, stale.To = first.Stretch()
	d.refused(kapivara.Turn{Leases: []kapivara.NewDelivery{stale}}, kapivara.ErrStaleTurn)
	d.wantWaits("2 1 appended 2-2")
}

func growthDropped(t *testing.T, d *desk) {
	d.grow()
	d.Append("a/b/c/1", false, 0, 1)
	d.Append("a/b/c/1", false, 0, 2)
	w := d.look(kapivara.LaneQuery{Limit: 1, Grown: true}).Lanes[0].Due[0]
	lease := d.leaseNext(w)
	lease.To = 1
	d.must(kapivara.Turn{Leases: []kapivara.NewDelivery{lease}})
	if due := d.due(); len(due) != 1 || due[0].LogPosition != 2 {
		t.Fatalf("got %+v, want the growth that the delivery does not hold", due)
	}
	d.must(kapivara.Turn{Drops: []kapivara.Due{d.due()[0].Due, w.Due}})
	if due := d.due(); len(due) > 0 {
		t.Errorf("what was dropped still waits: %+v", due)
	}
}

// After a switch to "complete" a stream that completes comes whole, from 1, after what is due of the mode before.
// A replay that was noted before the mode was switched comes after the whole stream, also while that is parked.
func growthReplay(t *testing.T, d *desk) {
	replays := func() int { return len(d.look(kapivara.LaneQuery{Replays: 100}).Lanes[0].Replays) }
	d.grow()
	d.Append("a/b/c/1", false, 0, 1) // 1
	d.commit(d.leaseFirst())
	if n := d.replay(kapivara.Replay{}); n != 1 || replays() != 1 {
		t.Fatalf("%d are replayed and %d wait, want 1", n, replays())
	}
	d.mode(kapivara.DeliverComplete)
	d.Append("a/b/c/1", false, 2, 2) // 2
	whole := d.leaseFirst()
	d.must(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: whole.Ref, Lease: kapivara.Lease{
		State: kapivara.Parked, Attempt: 1, Counted: 1, Sent: time.Now(), Answer: kapivara.Term, Reason: "no",
	}}}})
	if n := replays(); n != 0 {
		t.Errorf("%d wait beside the whole stream that is parked", n)
	}
	if _, n := d.operate(kapivara.Operation{Verb: kapivara.Park, State: kapivara.Pending, DryRun: true}); n != 0 {
		t.Errorf("%d would get a number beside it", n)
	}
	d.operate(kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Parked})
	if n := replays(); n != 1 {
		t.Errorf("%d wait after it was discarded, want 1", n)
	}
}

func growthSwitch(t *testing.T, d *desk) {
	d.grow()
	d.Append("a/b/c/1", false, 0, 1) // 1
	d.mode(kapivara.DeliverComplete)
	d.Append("a/b/c/1", false, 0, 2) // 2, due to nobody
	d.Append("a/b/c/1", false, 3, 3) // 3
	d.wantWaits("1 1 appended 1-3", "3 1 complete 1-3")
	n := d.leaseFirst()
	d.wantWaits()
	d.commit(n)
	d.wantWaits("3 1 complete 1-3")
	if freed := d.look(kapivara.LaneQuery{Grown: true, Freed: []int64{n.Stream}}).Lanes[0].Freed; len(freed) != 1 || brief(freed[0]) != "3 1 complete 1-3" {
		t.Errorf("the stream is free for %+v", freed)
	}
	d.mode(kapivara.DeliverAppended)
	d.Append("a/b/c/2", false, 0, 1) // 4
	d.wantWaits("3 1 complete 1-3", "4 2 appended 1-1")
	roster, err := d.Roster(d.ctx)
	if err != nil || len(roster.Subscribers) != 1 || !roster.Subscribers[0].Grown {
		t.Errorf("got the roster %+v, %v", roster, err)
	}
}

func growthLong(_ *testing.T, d *desk) {
	d.grow()
	var many []int
	for p := 1; p <= 200; p++ {
		if p != 150 {
			many = append(many, p)
		}
	}
	d.Append("a/b/c/1", false, 0, many...) // 1 to 199
	for p := 201; p <= 210; p++ {
		d.Append("a/b/c/1", false, 0, p)
	}
	d.wantWaits("149 1 appended 1-149")
	d.commit(d.leaseFirst())
	d.Append("a/b/c/1", false, 0, 150) // 210
	d.wantWaits("210 1 appended 150-210")
}

// I-14: an operator does not set two deliveries of a stream aside at once: the one holds back the other.
func growthOperated(t *testing.T, d *desk) {
	d.grow()
	d.Append("a/b/c/1", false, 0, 1)
	d.mode(kapivara.DeliverComplete)
	d.Append("a/b/c/1", false, 2, 2)
	d.wantWaits("1 1 appended 1-2", "2 1 complete 1-2")
	if _, count := d.operate(kapivara.Operation{Verb: kapivara.Park, State: kapivara.Pending, DryRun: true}); count != 1 {
		t.Errorf("a dry run would park %d, want 1", count)
	}
	parked, _ := d.operate(kapivara.Operation{Verb: kapivara.Park, State: kapivara.Pending})
	if len(parked) != 1 || parked[0].Cause != kapivara.CauseAppended {
		t.Errorf("got %+v parked, want the growth alone", parked)
	}
	d.wantWaits()
	d.operate(kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Parked})
	d.wantWaits("2 1 complete 1-2")
	d.Append("a/b/c/2", false, 0, 1) // nobody's: the mode is complete
	d.mode(kapivara.DeliverAppended)
	d.Append("a/b/c/2", false, 0, 2)
	d.mode(kapivara.DeliverComplete)
	d.Append("a/b/c/2", false, 3, 3)
	if gone, _ := d.operate(kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Pending}); len(gone) != 3 {
		t.Errorf("got %d discarded, want 3: what is settled holds nothing back", len(gone))
	}
	d.wantWaits()
}

// I-14: while a layout changes what waits of a stream is in several buckets, and a verb that goes through them in their
// order still takes the first.
func growthOperatedMoving(t *testing.T, d *desk) {
	s := kapivara.NewSubscriber("billing")
	s.Buckets, s.Deliver = 4, kapivara.DeliverAppended
	d.Subscribe(s)
	stream := kapivara.Stream("a/b/c/1")
	for i := 2; kapivara.BucketOf(stream.Hash(), false, 4, 0) == 0; i++ {
		stream = kapivara.Stream(fmt.Sprintf("a/b/c/%d", i))
	}
	d.Append(stream, false, 0, 1)
	d.mode(kapivara.DeliverComplete)
	d.Append(stream, false, 2, 2)
	parked, _ := d.operate(kapivara.Operation{Verb: kapivara.Park, State: kapivara.Pending})
	if len(parked) != 1 || parked[0].Cause != kapivara.CauseAppended {
		t.Errorf("got %+v parked, want the growth alone", parked)
	}
}
