package porttest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
)

// DispatchStore is a store with what others write into it.
type DispatchStore interface {
	dispatcher.Store
	// Subscribe sets a subscriber, or changes the one of that name, and gives its number.
	Subscribe(s kapivara.Subscriber) int32
	// Place puts what waits next into the buckets in force, as a writer does after a change of layout. It tells whether there was
	// anything to do.
	Place() bool
	// Finish stores a complete stream of n events, due to every subscriber, and gives its log position.
	Finish(stream kapivara.Stream, n int, canary bool) int64
	// Append stores events of a stream at positions by one request, due by the registry's rule; final is the finish
	// position, 0 for none of them. It gives the log's head.
	Append(stream kapivara.Stream, canary bool, final int, positions ...int) int64
}

// Dispatch holds a store to the port of the dispatcher. open makes an empty store.
func Dispatch(t *testing.T, open func(t *testing.T) DispatchStore) {
	cases := map[string]func(*testing.T, *desk){
		"a duty is of one run at a time":                         dispatchDuty,
		"a run that has ended has done so for ever":              dispatchRunEnds,
		"of many who take at once each duty is one's":            dispatchRush,
		"duties are given and taken":                             dispatchGive,
		"a survey shows who works for whom":                      dispatchSurvey,
		"what rests on a duty that is lost is not written":       dispatchLost,
		"what is due is found by lane and by the tail":           dispatchLook,
		"the tail goes on between two subscribers":               dispatchTail,
		"a turn leases what is due and numbers it":               dispatchLease,
		"a bucket that has moved refuses the whole turn":         dispatchStale,
		"a stream is leased once":                                dispatchTwice,
		"a commit is for ever":                                   dispatchCommit,
		"a settlement is as it was written, by the store's time": dispatchSettle,
		"nothing hidden is leased before its time":               dispatchHidden,
		"what a pull has is known to whoever reads it":           dispatchPulled,
		"a run that has ended writes nothing":                    dispatchOff,
		"the events of a delivery are read whole or not at all":  dispatchEvents,
		"what is known of the nodes adds up":                     dispatchPresence,
		"a claim is as it was written, and its epoch only grows": dispatchClaim,
		"nodes live until their time by the store's clock":       dispatchNodes,
		"a lease holds the layout by which it was decided":       dispatchLayout,
		"what is placed may be leased, the rest not":             dispatchPlaced,
		"every verb changes what it takes and nothing else":      dispatchOperate,
		"a verb for a state goes from part to part":              dispatchOperateState,
		"a verb numbers what was never leased":                   dispatchOperateDue,
		"a verb for what is not there changes nothing":           dispatchOperateRefusals,
		"a replay is for what is settled":                        dispatchReplay,
	}
	maps.Copy(cases, dispatchGrowths())
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newDesk(t, open(t)))
		})
	}
}

// desk is a store with one subscriber, "billing", of one bucket, and the duty.
type desk struct {
	DispatchStore
	t          *testing.T
	ctx        context.Context
	subscriber int32
	hold       kapivara.Hold
	row        kapivara.BucketRow
}

func newDesk(t *testing.T, store DispatchStore) *desk {
	t.Helper()
	d := &desk{DispatchStore: store, t: t, ctx: t.Context()}
	s := kapivara.NewSubscriber("billing")
	s.Buckets = 1
	d.subscriber = store.Subscribe(s)
	d.hold = d.join(time.Hour)
	d.hold.Duties = d.take(d.hold.Dispatcher, d.subscriber)
	if len(d.hold.Duties) != 1 {
		t.Fatalf("got the duties %v, want that for the subscriber", d.hold.Duties)
	}
	rows, err := store.OpenBuckets(d.ctx, d.hold, []kapivara.BucketRow{{Subscriber: "billing", Bucket: 0}})
	if err != nil || len(rows) != 1 || rows[0].No == 0 || rows[0].Subscriber != "billing" {
		t.Fatalf("open buckets: %v, %v", rows, err)
	}
	d.row = rows[0]
	return d
}

// turn writes a turn that moves the bucket on by the leases and commits in it.
func (d *desk) turn(t kapivara.Turn) (time.Time, error) {
	d.t.Helper()
	t.Hold = d.hold
	change := kapivara.BucketChange{No: d.row.No, Version: d.row.Version, Sent: d.row.Sent + int64(len(t.Leases)), Floor: d.row.Floor}
	t.Buckets = []kapivara.BucketChange{change}
	now, err := d.Turn(d.ctx, &t)
	if err == nil {
		d.row.Version, d.row.Sent = change.Version+1, change.Sent
	}
	return now, err
}

func (d *desk) must(t kapivara.Turn) time.Time {
	d.t.Helper()
	now, err := d.turn(t)
	if err != nil {
		d.t.Fatalf("turn: %v", err)
	}
	return now
}

func (d *desk) refused(t kapivara.Turn, want error) {
	d.t.Helper()
	if _, err := d.turn(t); !errors.Is(err, want) {
		d.t.Errorf("got error %v, want %v", err, want)
	}
}

// due gives what waits.
func (d *desk) due() []kapivara.Waiting {
	d.t.Helper()
	return d.look(kapivara.LaneQuery{Limit: 100}).Lanes[0].Due
}

func (d *desk) look(q kapivara.LaneQuery) *kapivara.Look {
	d.t.Helper()
	q.Lane, q.Row = kapivara.Lane{Subscriber: d.subscriber}, d.row.No
	look, err := d.Look(d.ctx, []kapivara.LaneQuery{q}, kapivara.DueMark{}, 100)
	if err != nil || len(look.Lanes) != 1 {
		d.t.Fatalf("look: %v", err)
	}
	return look
}

// leaseNext is the lease of a stream as the next delivery.
func (d *desk) leaseNext(w kapivara.Waiting) kapivara.NewDelivery {
	from, to := w.Stretch()
	return kapivara.NewDelivery{
		Ref: kapivara.Ref{Bucket: d.row.No, Number: d.row.Sent + 1}, Due: w.Due,
		From: from, To: to, AckWait: 30 * time.Second, Buckets: 1, Cause: w.Cause,
	}
}

// delivery finishes a stream and leases it.
func (d *desk) delivery(name kapivara.Stream) kapivara.Numbered {
	d.t.Helper()
	d.Finish(name, 2, false)
	due := d.due()
	lease := d.leaseNext(due[len(due)-1])
	d.must(kapivara.Turn{Leases: []kapivara.NewDelivery{lease}})
	return d.find(lease.Ref)
}

func (d *desk) find(ref kapivara.Ref) kapivara.Numbered {
	d.t.Helper()
	found, err := d.Deliveries(d.ctx, []kapivara.Ref{ref, {Bucket: ref.Bucket, Number: 999}})
	if err != nil || len(found) != 1 {
		d.t.Fatalf("deliveries: got %d and error %v, want the one that exists", len(found), err)
	}
	return found[0]
}

func (d *desk) leased() []kapivara.Numbered {
	d.t.Helper()
	_, leased, err := d.Buckets(d.ctx, []string{"billing"})
	if err != nil {
		d.t.Fatalf("buckets: %v", err)
	}
	return leased
}

func dispatchLook(t *testing.T, d *desk) {
	at := []int64{d.Finish("a/b/c/1", 2, false), d.Finish("a/b/c/2", 3, true), d.Finish("a/b/c/3", 1, false)}
	roster, err := d.Roster(d.ctx)
	if err != nil || len(roster.Subscribers) != 1 || roster.Head != at[2] || roster.Subscribers[0].No != d.subscriber {
		t.Fatalf("roster: %+v, %v", roster, err)
	}
	look := d.look(kapivara.LaneQuery{Limit: 2})
	if look.Registry != roster.Registry {
		t.Errorf("got registry %d, want %d", look.Registry, roster.Registry)
	}
	due := look.Lanes[0].Due
	if len(due) != 2 || due[0].LogPosition != at[0] || due[1].LogPosition != at[1] {
		t.Fatalf("got %+v, want the first two in order", due)
	}
	if w := due[1]; w.Name != "a/b/c/2" || !w.Canary || w.Finish != 3 || w.Version != 3 || !w.Complete || w.Due.Bucket != 0 {
		t.Errorf("got %+v", w)
	}
	if due := d.look(kapivara.LaneQuery{Limit: 9, After: at[1]}).Lanes[0].Due; len(due) != 1 || due[0].LogPosition != at[2] {
		t.Errorf("got %+v after the second, want the third", due)
	}
	if !slices.EqualFunc(look.Tail, at, func(w kapivara.Waiting, p int64) bool { return w.LogPosition == p }) {
		t.Errorf("got the tail %+v, want %v", look.Tail, at)
	}
}

func dispatchTail(t *testing.T, d *desk) {
	d.Subscribe(kapivara.NewSubscriber("other"))
	d.Finish("a/b/c/1", 1, false)
	d.Finish("a/b/c/2", 1, false)
	var mark kapivara.DueMark
	var seen []kapivara.DueMark
	for range 5 {
		look, err := d.Look(d.ctx, nil, mark, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range look.Tail {
			mark = kapivara.DueMark{LogPosition: w.LogPosition, Subscriber: w.Subscriber}
			seen = append(seen, mark)
		}
	}
	if len(seen) != 4 || seen[0].Subscriber == seen[1].Subscriber {
		t.Errorf("got %v one by one, want both streams for both", seen)
	}
}

func dispatchLease(t *testing.T, d *desk) {
	d.Finish("a/b/c/1", 2, false)
	w := d.due()[0]
	now := d.must(kapivara.Turn{Leases: []kapivara.NewDelivery{d.leaseNext(w)}})
	leased := d.leased()
	if len(leased) != 1 {
		t.Fatalf("got %d leased, want 1", len(leased))
	}
	n := leased[0]
	want := kapivara.Lease{State: kapivara.Leased, Attempt: 1, Sent: now, Until: now.Add(30 * time.Second)}
	if n.Number != 1 || n.Name != "a/b/c/1" || n.From != 1 || n.To != 2 || n.Cause != kapivara.CauseComplete || n.Retried || !sameLease(n.Lease, want) {
		t.Errorf("got %+v, want number 1 and the lease %+v", n, want)
	}
	if due := d.due(); len(due) > 0 {
		t.Errorf("what is leased still waits: %+v", due)
	}
	rows, _, err := d.Buckets(d.ctx, []string{"billing"})
	if err != nil || len(rows) != 1 || rows[0].Sent != 1 || rows[0].Version != d.row.Version {
		t.Errorf("got the bucket %+v, %v", rows, err)
	}
}

func sameLease(a, b kapivara.Lease) bool {
	sent, until := a.Sent.Equal(b.Sent), a.Until.Equal(b.Until)
	a.Sent, a.Until, b.Sent, b.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return sent && until && a == b
}

func dispatchStale(t *testing.T, d *desk) {
	d.Finish("a/b/c/1", 2, false)
	w := d.due()[0]
	d.row.Version--
	d.refused(kapivara.Turn{Leases: []kapivara.NewDelivery{d.leaseNext(w)}}, kapivara.ErrStaleTurn)
	if len(d.due()) != 1 || len(d.leased()) != 0 {
		t.Error("the refused turn has changed something")
	}
	d.row.Version++
	d.must(kapivara.Turn{Leases: []kapivara.NewDelivery{d.leaseNext(w)}})
}

func dispatchTwice(t *testing.T, d *desk) {
	d.Finish("a/b/c/1", 2, false)
	w := d.due()[0]
	d.must(kapivara.Turn{Leases: []kapivara.NewDelivery{d.leaseNext(w)}})
	d.refused(kapivara.Turn{Leases: []kapivara.NewDelivery{d.leaseNext(w)}}, kapivara.ErrStaleTurn)
	d.Finish("a/b/c/2", 2, false)
	again := d.leaseNext(d.due()[0])
	again.Ref.Number = 1
	d.refused(kapivara.Turn{Leases: []kapivara.NewDelivery{again}}, kapivara.ErrStaleTurn)
}
