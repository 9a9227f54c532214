package porttest

import (
	"testing"

	"kapivara/pkg/kapivara"
)

// holding is a turn that leases what waits first and holds this layout.
func (d *desk) holding(l kapivara.Layout) kapivara.Turn {
	d.t.Helper()
	w := d.due()[0]
	return kapivara.Turn{
		Layouts: []kapivara.HeldLayout{{Subscriber: d.subscriber, Layout: l, Due: w.LogPosition}},
		Leases:  []kapivara.NewDelivery{d.leaseNext(w)},
	}
}

func (d *desk) resize(buckets, canary int) {
	s := kapivara.NewSubscriber("billing")
	s.Buckets, s.CanaryBuckets = buckets, canary
	if no := d.Subscribe(s); no != d.subscriber {
		d.t.Fatalf("it is subscriber %d after the resize, %d before", no, d.subscriber)
	}
}

// I-13: no lease rests on numbers of buckets that are no longer in force.
func dispatchLayout(t *testing.T, d *desk) {
	d.Finish("a/b/c/1", 2, false)
	for _, wrong := range []kapivara.Layout{{Buckets: 2, Relaid: 1}, {Buckets: 1, Relaid: 2}} {
		d.refused(d.holding(wrong), kapivara.ErrStaleTurn)
	}
	if leased := d.leased(); len(leased) > 0 {
		t.Errorf("a refused turn has leased %+v", leased)
	}
	d.must(d.holding(kapivara.Layout{Buckets: 1}))
	d.Finish("a/b/c/2", 2, false)
	d.resize(2, 0)
	d.resize(1, 0)
	for d.Place() {
	}
	d.refused(d.holding(kapivara.Layout{Buckets: 1}), kapivara.ErrStaleTurn) // others have come and gone
	d.must(d.holding(kapivara.Layout{Buckets: 1, Relaid: 2}))
	stranger := kapivara.Turn{Layouts: []kapivara.HeldLayout{{Subscriber: 99, Layout: kapivara.Layout{Buckets: 1}}}}
	d.refused(stranger, kapivara.ErrStaleTurn)
}

// I-17: only what is placed is leased, the lowest first; the look and the roster tell up to where.
func dispatchPlaced(t *testing.T, d *desk) {
	at := []int64{d.Finish("a/b/c/1", 1, false), d.Finish("a/b/c/2", 1, false)}
	d.resize(1, 1)
	layout := kapivara.Layout{Buckets: 1, CanaryBuckets: 1, Relaid: 1}
	roster := must[*kapivara.Roster](t)(d.Roster(d.ctx))
	if m := roster.Subscribers[0].Moving; m == nil || m.Placed != 0 || m.Until != at[1] {
		t.Fatalf("the roster has the move %+v, want one to %d that has not begun", m, at[1])
	}
	if moves := d.look(kapivara.LaneQuery{}).Moves; len(moves) != 1 || moves[0].Subscriber != d.subscriber || moves[0].Placed != 0 {
		t.Errorf("a look has the moves %+v", moves)
	}
	d.refused(d.holding(layout), kapivara.ErrStaleTurn)
	late := d.Finish("a/b/c/3", 1, false)
	for d.Place() {
		look := d.look(kapivara.LaneQuery{Limit: 9})
		if len(look.Moves) == 0 {
			continue
		}
		turn := d.holding(layout)
		turn.Layouts[0].Due = late
		d.refused(turn, kapivara.ErrStaleTurn)
		turn.Layouts[0].Due = look.Moves[0].Placed + 1
		d.refused(turn, kapivara.ErrStaleTurn)
	}
	if moves := d.look(kapivara.LaneQuery{}).Moves; len(moves) > 0 {
		t.Errorf("all is placed and there are the moves %+v", moves)
	}
	for range 3 {
		d.must(d.holding(layout))
	}
}
