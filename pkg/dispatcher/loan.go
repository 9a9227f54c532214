package dispatcher

import (
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// loan is what a pull has: the attempt, when it was handed out (zero while it is just being), and its deadline. The store
// knows that a pull has it, and a deadline that may be a little earlier.
type loan struct {
	attempt    int
	out, until time.Time
}

// keepLoans notes what pulls have, so that reading the lane anew does not hand it out a second time.
func (l *lane) keepLoans() {
	for number, f := range l.flights {
		if f.lent && f.Lease.State == kapivara.Leased {
			if l.loans == nil {
				l.loans = map[int64]loan{}
			}
			l.loans[number] = loan{f.Lease.Attempt, f.out, f.Lease.Until}
		}
	}
}

// loaned takes a delivery in that a pull still has, if one does.
func (k *desk) loaned(l *lane, f *flight) bool {
	had, lent := l.loans[f.Number]
	if !lent || had.attempt != f.Lease.Attempt {
		return false
	}
	f.lent = true
	if had.out.IsZero() { // its report sets this right
		had.until = k.clock.now().Add(l.client.AckWait)
	} else {
		f.out = had.out
	}
	if had.until.After(f.Lease.Until) {
		f.Lease.Until = had.until
	}
	k.byStore.set(alarm{at: f.Lease.Until, lane: l, flight: f})
	return true
}

// lend hands a delivery that met nobody to a waiter, once that is durable.
func (k *desk) lend(p *plan, w *waiter, f *flight) {
	l := f.lane
	delete(l.unheard, f.Number)
	f.unheard, f.lent, f.pushed, f.out = false, true, false, time.Time{}
	f.sends++ // what is still awaited of earlier sendings says nothing any more
	k.noteLoan(p, f, f.Lease.Lend(k.clock.now(), l.client.Policy()), l.client.AckWait)
	i := k.item(f, f.Lease.Attempt)
	i.again = true
	l.again[f.Number]++
	f.events = nil
	k.hand(w, i)
}

// noteLoan puts into the turn whether a pull has the delivery.
func (k *desk) noteLoan(p *plan, f *flight, next kapivara.Lease, after time.Duration) {
	p.stepOf(f.lane)
	f.staged = true
	p.Settlements = append(p.Settlements, kapivara.Settlement{Ref: f.Ref, Lease: next, After: after})
	p.changes = append(p.changes, change{flight: f, next: next, after: after, verb: lends, gen: f.lane.gen})
}

// takeBack writes down of what pulls did not get after all that nobody has it. There is no hurry: it goes with a turn that
// is made anyway, so that the next pull need not wait for it.
func (k *desk) takeBack(p *plan) {
	if len(k.returned) == 0 || len(p.lanes) == 0 {
		return
	}
	now := k.clock.now()
	k.returned = slices.DeleteFunc(k.returned, func(f *flight) bool {
		l := f.lane
		if l.flights[f.Number] != f || !f.unheard || !f.Lease.Pulled {
			return true // settled, or somebody has it by now, or read anew
		}
		if f.staged || l.probe == f || l.client.leaving || len(p.changes) >= maxChanges {
			return false
		}
		k.noteLoan(p, f, f.Lease.TakeBack(), f.Lease.Until.Sub(now))
		return true
	})
}

// handed takes in what has become of a sending by pull: its deadline runs from the answer, or nobody has it.
func (k *desk) handed(f *flight, i *item, at time.Time) {
	if i.sent {
		f.lane.client.pulled = time.Now()
		k.await(f, at, i.delivery.AckWait)
		return
	}
	f.lent, f.events = false, i.events
	k.returned = append(k.returned, f)
	k.lay(f, firstProbe, firstProbe)
}
