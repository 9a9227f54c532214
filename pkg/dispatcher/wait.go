package dispatcher

import (
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// admit lets a pull wait, the first that came before all others.
func (k *desk) admit(w *waiter) {
	c := k.names[w.subscriber]
	w.looks = k.looks
	switch {
	case k.leaving || k.stopping:
		w.answer(nil, nil)
		return
	case c == nil && (k.wants.roster || k.enrolling):
		k.strangers = append(k.strangers, w)
	case c == nil || c.leaving:
		k.strange(w.subscriber)
		k.refuse(w, kapivara.ErrOffDuty)
		return
	case !c.mayHave(w):
		k.refuse(w, noBucket(w))
		return
	default:
		c.waiters = append(c.waiters, w)
		c.notePuller(w.Node)
		k.offer(c)
		now := k.clock.now()
		for _, l := range c.lanes {
			if w.wants(l) && l.ready(now) {
				k.touch(l)
			}
		}
	}
	k.byLocal.set(alarm{at: w.until, waiter: w})
}

// mayHave tells whether there is the bucket that the pull asks for, as far as it is known: one of earlier settings is found
// when the others are read.
func (c *client) mayHave(w *waiter) bool {
	if w.Bucket == nil || c.lanes[*w.Bucket] != nil {
		return true
	}
	for _, l := range c.lanes {
		if l.cold {
			return true
		}
	}
	return false
}

func noBucket(w *waiter) error {
	return kapivara.Refuse(kapivara.NotFound, "the subscriber %s has no bucket %s", w.subscriber, *w.Bucket)
}

// ready tells whether something could be leased, were there a place.
func (l *lane) ready(now time.Time) bool {
	return len(l.queue) > 0 || len(l.redo.queue) > 0 || len(l.hidden) > 0 && !l.hidden[0].Lease.Until.After(now)
}

// admitStrangers admits the pulls that have waited for the roster. One for a subscriber that is another dispatcher's, or
// not there, is for whoever knows better.
func (k *desk) admitStrangers() {
	strangers := k.strangers
	k.strangers = nil
	for _, w := range strangers {
		if !w.answered {
			k.admit(w)
		}
	}
}

// over takes in that a wait is over. It is not answered before all that was due when it came has been seen.
func (k *desk) over(w *waiter) {
	if w.answered || w.pull != nil || w.ending {
		return
	}
	w.ending = true
	k.ending = append(k.ending, w)
	if w.last.After(w.until) {
		k.byLocal.set(alarm{at: w.last, waiter: w}) // wakes the desk
	}
}

// end answers those whose wait is over and for whom nothing is on its way.
func (k *desk) end() {
	now := time.Now()
	k.ending = slices.DeleteFunc(k.ending, func(w *waiter) bool {
		c := k.names[w.subscriber]
		switch {
		case w.answered || w.pull != nil:
			w.ending = false
			return true
		case now.Before(w.last) && (c == nil || !k.sought(c, w)):
			return false
		}
		if c != nil && !c.mayHave(w) {
			k.refuse(w, noBucket(w))
			return true
		}
		k.refuse(w, nil)
		return true
	})
}

// sought tells whether all that was due when the pull came has been looked for.
func (k *desk) sought(c *client, w *waiter) bool {
	if k.seen <= w.looks || k.wants.look {
		k.wants.look = true
		return false
	}
	if k.wants.roster || k.enrolling || c.offering { // what nobody has is handed out with the next turn
		return false
	}
	for _, l := range c.lanes {
		if w.wants(l) && (l.cold || l.dirty || l.hungry || l.opened || l.trial != nil || l.probe != nil) {
			return false
		}
	}
	return true
}

// refuse answers a pull without deliveries; nil says that there were none.
func (k *desk) refuse(w *waiter, err error) {
	w.answered = true
	w.answer(nil, err)
	if c := k.names[w.subscriber]; c != nil {
		c.waiters = slices.DeleteFunc(c.waiters, func(o *waiter) bool { return o == w })
	}
}

// sendAway answers all pulls of the client.
func (k *desk) sendAway(c *client, err error) {
	for _, w := range c.waiters {
		w.answered = true
		w.answer(nil, err)
	}
	c.waiters = nil
}

// sendAllAway answers every pull that waits.
func (k *desk) sendAllAway(err error) {
	for _, c := range k.clients {
		k.sendAway(c, err)
	}
	for _, w := range k.strangers {
		w.answered = true
		w.answer(nil, err)
	}
	k.strangers = nil
}

// waitAgain puts the pulls of a cargo that is not to be sent back before all others.
func (k *desk) waitAgain(c *cargo) {
	for _, i := range c.items {
		if !i.again {
			continue // its lane is read anew
		}
		l := i.lane
		k.sentAgain(i)
		if f := l.flights[i.delivery.Number]; f != nil && f.lent && f.Lease.State == kapivara.Leased && f.Lease.Attempt == i.delivery.Attempt {
			f.lent = false
			k.lay(f, firstProbe, firstProbe)
		}
	}
	for _, p := range slices.Backward(c.pulls) {
		w := p.waiter
		w.pull = nil
		if c := k.names[w.subscriber]; c != nil && !k.leaving {
			c.waiters = slices.Insert(c.waiters, 0, w)
			k.byLocal.set(alarm{at: w.until, waiter: w})
			k.offer(c)
		} else {
			k.refuse(w, nil)
		}
	}
	c.pulls = nil
}
