package dispatcher

import (
	"time"

	"kapivara/pkg/kapivara"
)

// answerer finds who is to be given the next lease of the lane in place of a sending: whoever has waited longest and is
// still there.
func (c *client) answerer(l *lane) *waiter {
	now := time.Now()
	for _, w := range c.waiters {
		if w.wants(l) && w.last.After(now) && !w.full() {
			return w
		}
	}
	return nil
}

// road decides how the next lease of the lane goes out: to a waiter, or by a sending (nil). ok is false where there is no
// place for it. Nodes that listen go first; while none is known to, one sending a second tries whether that has changed,
// and its lane waits for what comes of it. What a node has claimed that pulls waits for its next pull.
func (k *desk) road(l *lane) (w *waiter, ok bool) {
	c := l.client
	if l.row.Claim.Owner != "" {
		if w = c.answerer(l); w != nil {
			return w, l.places() > 0
		}
		if rest := l.pulled(); rest > 0 {
			if now := k.clock.now(); now.After(l.retouch) {
				l.retouch = now.Add(rest)
				k.byStore.set(alarm{at: l.retouch, lane: l})
			}
			return nil, false
		}
		return nil, l.slots() > 0
	}
	if c.hears() {
		return nil, l.slots() > 0
	}
	if l.trial != nil {
		return nil, false
	}
	if w = c.answerer(l); w == nil || time.Since(c.tried) >= lastProbe {
		return nil, l.places() > 0 && (w != nil || l.slots() > 0 || l.pushes() == 0)
	}
	return w, l.places() > 0
}

// pushes counts what is leased and went out by a sending, as far as is known.
func (l *lane) pushes() (n int) {
	for _, f := range l.flights {
		if f.Lease.State == kapivara.Leased && !f.lent {
			n++
		}
	}
	return n
}

// loadOnto puts the next sending of the flight into the plan's cargo, by the road that was chosen for it.
func (k *desk) loadOnto(p *plan, f *flight, w *waiter, i *item) {
	f.lent, f.pushed = w != nil, w == nil
	if w != nil {
		k.hand(w, i)
	} else if c := f.lane.client; !c.hears() && f.lane.row.Claim.Owner == "" {
		f.lane.trial, c.tried = f, time.Now()
	}
	p.cargo.add(i)
}
