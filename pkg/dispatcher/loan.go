package dispatcher

import (
	"time"

	"kapivara/pkg/kapivara"
)

// loan is what a pull has: the attempt, when it was handed out (zero while it is just being), and its deadline. The store
// knows no more than when it was leased.
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
