package porttest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
)

// operate does all parts of an operation and gives the deliveries that were changed, or how many a dry run counts.
func (d *desk) operate(o kapivara.Operation) (changed []kapivara.Numbered, count int) {
	d.t.Helper()
	for from := (&kapivara.OperateMark{}); from != nil; {
		part, err := d.Operate(d.ctx, d.hold, "billing", &o, *from)
		if err != nil {
			d.t.Fatalf("%s: %v", o.Verb, err)
		}
		changed, count, from = append(changed, part.Changed...), count+part.Count, part.Next
	}
	return changed, count
}

func (d *desk) replay(r kapivara.Replay) (count int) {
	d.t.Helper()
	for from := (&kapivara.ReplayMark{}); from != nil; {
		part, err := d.Replay(d.ctx, d.hold, "billing", &r, *from)
		if err != nil {
			d.t.Fatalf("replay: %v", err)
		}
		count, from = count+part.Count, part.Next
	}
	return count
}

// known reads the bucket's row, so that turns go on from it.
func (d *desk) known() {
	d.t.Helper()
	rows, _, err := d.Buckets(d.ctx, []string{"billing"})
	if err != nil || len(rows) != 1 {
		d.t.Fatalf("got %d buckets, %v", len(rows), err)
	}
	d.row = rows[0]
}

// stands makes a delivery that stands as named.
func (d *desk) stands(name kapivara.Stream, state kapivara.State) kapivara.Numbered {
	d.t.Helper()
	n := d.delivery(name)
	lease := kapivara.Lease{State: state, Attempt: 1, Counted: 1, Sent: n.Lease.Sent, Answer: kapivara.Nak, Reason: "no"}
	switch state {
	case kapivara.Leased:
		return n
	case kapivara.Committed:
		d.must(kapivara.Turn{Commits: []kapivara.Commit{{Ref: n.Ref, Attempt: 1}}})
	case kapivara.Hidden:
		lease.Until = time.Now().Add(time.Hour)
		d.must(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: n.Ref, Lease: lease, After: time.Hour}}})
	default:
		d.must(kapivara.Turn{Settlements: []kapivara.Settlement{{Ref: n.Ref, Lease: lease}}})
	}
	return d.find(n.Ref)
}

func dispatchOperate(t *testing.T, d *desk) {
	states := []kapivara.State{
		kapivara.Pending, kapivara.Leased, kapivara.Hidden, kapivara.Parked, kapivara.Committed, kapivara.Discarded,
	}
	for i, verb := range []kapivara.Verb{kapivara.Hide, kapivara.Park, kapivara.Retry, kapivara.Discard} {
		for _, state := range states {
			name := kapivara.Stream(fmt.Sprintf("a/b/c/%d-%s", i, state))
			before := d.stands(name, state)
			o := kapivara.Operation{
				Verb: verb, Numbers: []kapivara.Numbering{{Bucket: 0, Number: before.Number}}, Delay: time.Minute, Reason: "because", DryRun: true,
			}
			want := 0
			if verb.Takes(state) {
				want = 1
			}
			if changed, count := d.operate(o); count != want || len(changed) > 0 || !sameLease(d.find(before.Ref).Lease, before.Lease) {
				t.Errorf("a dry run of %s on what is %s counts %d, and has changed %d", verb, state, count, len(changed))
			}
			o.DryRun = false
			changed, count := d.operate(o)
			after := d.find(before.Ref)
			if count != want || len(changed) != want {
				t.Errorf("%s on what is %s changes %d, want %d", verb, state, count, want)
				continue
			}
			if want == 0 {
				if !sameLease(after.Lease, before.Lease) {
					t.Errorf("%s has made %+v of %+v", verb, after.Lease, before.Lease)
				}
				continue
			}
			expected, _ := before.Lease.Operate(&o, after.Lease.Until.Add(-time.Minute))
			if verb == kapivara.Retry {
				expected.Until = after.Lease.Until
			}
			if !sameLease(after.Lease, expected) || !sameLease(changed[0].Lease, expected) || changed[0].Due.Bucket != 0 || !after.Retried {
				t.Errorf("%s has made %+v of what is %s, and tells of %+v, want %+v", verb, after.Lease, state, changed[0].Lease, expected)
			}
			d.refused(kapivara.Turn{}, kapivara.ErrStaleTurn) // who knows the bucket as it was
			d.known()
		}
	}
}

func dispatchOperateState(t *testing.T, d *desk) {
	for i := range 8 {
		d.stands(kapivara.Stream(fmt.Sprint("a/b/c/parked-", i)), kapivara.Parked)
		d.stands(kapivara.Stream(fmt.Sprint("a/b/c/hidden-", i)), kapivara.Hidden)
		d.stands(kapivara.Stream(fmt.Sprint("a/b/c/leased-", i)), kapivara.Leased)
	}
	bucket, other := kapivara.Bucket(0), kapivara.Bucket(7)
	if _, err := d.Operate(d.ctx, d.hold, "billing", &kapivara.Operation{Verb: kapivara.Retry, State: kapivara.Parked, Bucket: &other}, kapivara.OperateMark{}); err != nil && kapivara.CodeOf(err) != kapivara.NotFound {
		t.Errorf("another bucket: %v", err)
	}
	until := time.Now().Add(48 * time.Hour).Truncate(time.Microsecond)
	for _, c := range []struct {
		op   kapivara.Operation
		want kapivara.State
	}{
		{kapivara.Operation{Verb: kapivara.Retry, State: kapivara.Parked, Bucket: &bucket}, kapivara.Pending},
		{kapivara.Operation{Verb: kapivara.Park, State: kapivara.Leased}, kapivara.Parked},
		{kapivara.Operation{Verb: kapivara.Hide, State: kapivara.Hidden, Until: until}, kapivara.Hidden},
	} {
		changed, count := d.operate(c.op)
		if count != 8 || len(changed) != 8 {
			t.Fatalf("%s of what is %s: %d changed, want 8", c.op.Verb, c.op.State, count)
		}
		for i, n := range changed {
			if now := d.find(n.Ref); now.Lease.State != c.want || i > 0 && n.Number <= changed[i-1].Number {
				t.Errorf("%s: number %d is %s, want %s, and in order", c.op.Verb, n.Number, now.Lease.State, c.want)
			} else if c.op.Verb == kapivara.Hide && !now.Lease.Until.Equal(until) {
				t.Errorf("hidden until %v, want %v", now.Lease.Until, until)
			}
		}
	}
}

func dispatchOperateDue(t *testing.T, d *desk) {
	for i := range 7 {
		d.Finish(kapivara.Stream(fmt.Sprint("a/b/c/", i)), 2, false)
	}
	changed, _ := d.operate(kapivara.Operation{Verb: kapivara.Park, Stream: "a/b/c/3"})
	if len(changed) != 1 || changed[0].Number != 1 || changed[0].Name != "a/b/c/3" || len(d.due()) != 6 {
		t.Fatalf("got %+v", changed)
	}
	n := d.find(changed[0].Ref)
	if n.Lease.Attempt != 0 || n.Lease.State != kapivara.Parked || n.From != 1 || n.To != 2 || n.Cause != kapivara.CauseComplete || n.Buckets != 1 {
		t.Errorf("what was never sent is %+v", n)
	}
	if _, count := d.operate(kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Pending, DryRun: true}); count != 6 || len(d.due()) != 6 {
		t.Errorf("a dry run counts %d of 6", count)
	}
	changed, count := d.operate(kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Pending})
	if count != 6 || len(d.due()) != 0 {
		t.Errorf("%d are discarded, and %d wait", count, len(d.due()))
	}
	for i, n := range changed {
		if n.Number != int64(i+2) || i > 0 && n.LogPosition <= changed[i-1].LogPosition {
			t.Errorf("number %d is due for log position %d at place %d", n.Number, n.LogPosition, i)
		}
	}
	d.known()
	if d.row.Sent != 7 {
		t.Errorf("the bucket has given %d numbers, want 7", d.row.Sent)
	}
	d.operate(kapivara.Operation{Verb: kapivara.Retry, Numbers: []kapivara.Numbering{{Number: 1}}})
	d.known()
	now := d.must(kapivara.Turn{Again: []kapivara.NextAttempt{{Ref: n.Ref, Attempt: 1, AckWait: time.Minute}}})
	want := kapivara.Lease{State: kapivara.Leased, Attempt: 1, Sent: now, Until: now.Add(time.Minute)}
	if got := d.find(n.Ref); !sameLease(got.Lease, want) {
		t.Errorf("its first attempt is %+v, want %+v", got.Lease, want)
	}
}

func dispatchOperateRefusals(t *testing.T, d *desk) {
	n := d.stands("a/b/c/1", kapivara.Parked)
	retry := func(o kapivara.Operation) error {
		o.Verb = kapivara.Retry
		_, err := d.Operate(d.ctx, d.hold, "billing", &o, kapivara.OperateMark{})
		return err
	}
	for name, err := range map[string]error{
		"one number of two": retry(kapivara.Operation{Numbers: []kapivara.Numbering{{Number: n.Number}, {Number: 99}}}),
		"a bucket":          retry(kapivara.Operation{Numbers: []kapivara.Numbering{{Bucket: 5, Number: 1}}}),
		"a stream":          retry(kapivara.Operation{Stream: "a/b/c/none"}),
	} {
		if kapivara.CodeOf(err) != kapivara.NotFound {
			t.Errorf("%s that is not there: %v", name, err)
		}
	}
	for _, err := range []error{
		second(d.Operate(d.ctx, d.hold, "nobody", &kapivara.Operation{Verb: kapivara.Retry, State: kapivara.Parked}, kapivara.OperateMark{})),
		second(d.Replay(d.ctx, d.hold, "nobody", &kapivara.Replay{}, kapivara.ReplayMark{})),
	} {
		if kapivara.CodeOf(err) != kapivara.NotFound {
			t.Errorf("a subscriber that is not there: %v", err)
		}
	}
	d.Subscribe(kapivara.NewSubscriber("other"))
	for _, err := range []error{
		second(d.Operate(d.ctx, d.hold, "other", &kapivara.Operation{Verb: kapivara.Retry, State: kapivara.Parked}, kapivara.OperateMark{})),
		second(d.Replay(d.ctx, d.hold, "other", &kapivara.Replay{}, kapivara.ReplayMark{})),
	} {
		if !errors.Is(err, kapivara.ErrLostDuty) {
			t.Errorf("a subscriber whose duty is not held: %v", err)
		}
	}
	if got := d.find(n.Ref).Lease.State; got != kapivara.Parked {
		t.Errorf("a refused operation has made it %s", got)
	}
	if err := d.Leave(d.ctx, d.hold.Dispatcher); err != nil {
		t.Fatal(err)
	}
	if err := retry(kapivara.Operation{State: kapivara.Parked}); !errors.Is(err, kapivara.ErrOffDuty) {
		t.Errorf("off duty: %v", err)
	}
	if _, err := d.Replay(d.ctx, d.hold, "billing", &kapivara.Replay{}, kapivara.ReplayMark{}); !errors.Is(err, kapivara.ErrOffDuty) {
		t.Errorf("off duty: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func dispatchReplay(t *testing.T, d *desk) {
	var at []int64
	for i, state := range []kapivara.State{
		kapivara.Committed, kapivara.Committed, kapivara.Parked, kapivara.Discarded, kapivara.Leased, kapivara.Hidden, kapivara.Committed,
	} {
		at = append(at, d.stands(kapivara.Stream(fmt.Sprint("a/b/c/", i)), state).LogPosition)
	}
	d.Finish("a/b/c/due", 1, false)
	early := time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		replay kapivara.Replay
		want   int
	}{
		"all that is settled": {kapivara.Replay{}, 4},
		"behind the first":    {kapivara.Replay{After: at[0]}, 3},
		"up to the second":    {kapivara.Replay{To: at[1]}, 2},
		"nothing of a range":  {kapivara.Replay{After: at[1], To: at[2]}, 0},
		"since long":          {kapivara.Replay{Since: early}, 4},
		"since soon":          {kapivara.Replay{Since: time.Now().Add(time.Hour)}, 0},
		"one stream":          {kapivara.Replay{Stream: "a/b/c/6"}, 1},
		"one that is parked":  {kapivara.Replay{Stream: "a/b/c/2"}, 0},
	} {
		c.replay.DryRun = true
		if got := d.replay(c.replay); got != c.want {
			t.Errorf("%s: %d are replayed, want %d", name, got, c.want)
		}
	}
	replays := func() []kapivara.Waiting { return d.look(kapivara.LaneQuery{Replays: 100}).Lanes[0].Replays }
	if n := len(replays()); n != 0 {
		t.Fatalf("a dry run has noted %d", n)
	}
	if got := d.replay(kapivara.Replay{}); got != 4 || len(d.due()) != 1 {
		t.Fatalf("%d are replayed, and %d are due, want 4 and 1", got, len(d.due()))
	}
	if got := d.replay(kapivara.Replay{}); got != 0 {
		t.Errorf("%d are replayed twice", got)
	}
	waiting := replays()
	if len(waiting) != 4 || waiting[0].LogPosition != at[0] || waiting[1].LogPosition != at[1] || waiting[2].LogPosition != at[3] || waiting[3].LogPosition != at[6] {
		t.Fatalf("got %+v, want the settled ones in the order of the log", waiting)
	}
	if w := waiting[0]; w.Contiguous != 2 || w.Finish != 2 || w.Name != "a/b/c/0" {
		t.Errorf("got %+v", w)
	}
	if rest := d.look(kapivara.LaneQuery{Replays: 2, ReplaysAfter: at[0]}).Lanes[0].Replays; len(rest) != 2 || rest[0].LogPosition != at[1] {
		t.Errorf("got %+v behind the first", rest)
	}
	lease := d.leaseNext(waiting[0])
	lease.Cause = kapivara.CauseReplay
	d.must(kapivara.Turn{Leases: []kapivara.NewDelivery{lease}})
	if n := d.find(lease.Ref); n.Cause != kapivara.CauseReplay || n.Lease.Attempt != 1 || n.LogPosition != at[0] {
		t.Errorf("got %+v", n)
	}
	again := d.leaseNext(waiting[0])
	again.Cause = kapivara.CauseReplay
	d.refused(kapivara.Turn{Leases: []kapivara.NewDelivery{again}}, kapivara.ErrStaleTurn)
	changed, _ := d.operate(kapivara.Operation{Verb: kapivara.Discard, Stream: "a/b/c/1"})
	if len(changed) != 1 || changed[0].Cause != kapivara.CauseReplay || changed[0].To != 2 || len(replays()) != 2 {
		t.Errorf("got %+v of a replay that was never sent, and %d wait", changed, len(replays()))
	}
}
