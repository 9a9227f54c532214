package dispatcher

import (
	"cmp"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// pull is what one waiter is being given: deliveries that go out in one answer, with one cargo. Once that is taken it
// belongs to the shipper.
type pull struct {
	waiter     *waiter
	items      []*item
	leases     bool // some of them are leased by the turn being planned
	left       int  // items that are not read yet
	deliveries []kapivara.Delivery
	weight     int
}

// hand puts a sending into the answer to a waiter.
func (k *desk) hand(w *waiter, i *item) *pull {
	if w.pull == nil {
		w.pull = &pull{waiter: w}
		k.given = append(k.given, w.pull)
	}
	i.pull = w.pull
	w.pull.items = append(w.pull.items, i)
	w.pull.left++
	return w.pull
}

// full tells that the waiter gets as many as it wants.
func (w *waiter) full() bool { return w.pull != nil && len(w.pull.items) >= w.Batch }

// sendGiven gives the answers that were made up to the shipper: with the turn where it leases for them, else at once.
func (k *desk) sendGiven(p *plan) {
	for _, pull := range k.given {
		to, again := k.resends, []*item(nil)
		for _, i := range pull.items {
			if i.again {
				again = append(again, i)
			}
		}
		if pull.leases {
			to = p.cargo
		}
		to.items = append(again, to.items...)
		to.pulls = append(to.pulls, pull)
		if c := k.names[pull.waiter.subscriber]; c != nil {
			c.waiters = slices.DeleteFunc(c.waiters, func(w *waiter) bool { return w.pull != nil })
		}
	}
	k.given = nil
}

// offer notes that a waiter of the client may be given something that nobody has.
func (k *desk) offer(c *client) {
	if len(c.waiters) > 0 && !c.offering {
		c.offering = true
		k.offers = append(k.offers, c)
	}
}

// serve hands out what met nobody, as the same attempt, without a write: what has been due longest to who has waited
// longest, and of each bucket the lowest number first.
func (k *desk) serve() {
	if len(k.offers) == 0 || !k.held() || k.shipper.full() {
		return
	}
	offers := k.offers
	k.offers = nil
	for _, c := range offers {
		c.offering = false
		if k.clients[c.No] == c {
			k.serveClient(c)
		}
	}
}

func (k *desk) serveClient(c *client) {
	var offered []*flight // the lowest of each lane
	for _, l := range c.lanes {
		if f := l.offered(); f != nil {
			offered = append(offered, f)
		}
	}
	slices.SortFunc(offered, func(a, b *flight) int { return cmp.Compare(a.LogPosition, b.LogPosition) })
	for _, w := range c.waiters {
		if !w.last.After(time.Now()) {
			continue
		}
		if k.turning && k.couldHaveMore(c, w, offered) {
			k.offer(c)
			return
		}
		for n := 0; n < len(offered) && !w.full(); {
			f := offered[n]
			if !w.wants(f.lane) {
				n++
				continue
			}
			k.lend(w, f)
			if offered[n] = f.lane.offered(); offered[n] == nil {
				k.touch(f.lane)
				offered = slices.Delete(offered, n, n+1)
			}
		}
	}
}

// gather is how long a pull of several deliveries waits for the end of a turn, so that it gets what can be leased as well.
const gather = 50 * time.Millisecond

func (k *desk) couldHaveMore(c *client, w *waiter, offered []*flight) bool {
	if w.Batch <= len(offered) || !time.Now().Before(w.until.Add(gather-w.Wait)) {
		return false
	}
	now := k.clock.now()
	for _, l := range c.lanes {
		if w.wants(l) && l.ready(now) && l.places() > 0 {
			return true
		}
	}
	return false
}

// offered is the lowest delivery of the lane that met nobody, if it can be handed out now.
func (l *lane) offered() (lowest *flight) {
	if l.probe != nil || l.cold {
		return nil // it is just being tried whether somebody listens
	}
	for _, f := range l.unheard {
		if lowest == nil || f.Number < lowest.Number {
			lowest = f
		}
	}
	if lowest == nil || lowest.staged || l.again[lowest.Number] > 0 {
		return nil
	}
	return lowest
}

// lend hands a delivery that met nobody to a waiter.
func (k *desk) lend(w *waiter, f *flight) {
	l := f.lane
	delete(l.unheard, f.Number)
	f.unheard, f.lent, f.pushed, f.out = false, true, false, time.Time{}
	f.sends++ // what is still awaited of earlier sendings says nothing any more
	i := k.item(f, f.Lease.Attempt)
	i.again = true
	l.again[f.Number]++
	f.events = nil
	k.hand(w, i)
}

// handed takes in what has become of a sending by pull: its deadline runs from the answer, or nobody has it.
func (k *desk) handed(f *flight, i *item, at time.Time) {
	if i.sent {
		f.lane.client.pulled = time.Now()
		k.await(f, at, i.delivery.AckWait)
		return
	}
	f.lent, f.events = false, i.events
	k.lay(f, firstProbe, firstProbe)
}

// answered takes a delivery that was answered from those that nobody has: somebody has it all the same.
func (k *desk) answered(f *flight) {
	l := f.lane
	l.tell(f)
	if !f.unheard {
		return
	}
	f.unheard, f.lent = false, true
	delete(l.unheard, f.Number)
	if l.probe == f {
		l.probe = nil
		k.probeAfter(l, l.wait)
	}
}

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
		k.hand(w, i).leases = true
	} else if c := f.lane.client; !c.hears() && f.lane.row.Claim.Owner == "" {
		f.lane.trial, c.tried = f, time.Now()
	}
	p.cargo.add(i)
}
