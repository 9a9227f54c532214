package dispatcher

import (
	"cmp"
	"slices"
	"time"
)

// serve hands out what met nobody, as the same attempt: what has been due longest to who has waited longest, and of each
// bucket the lowest number first. That a pull has it is written down first, with its deadline, so that whoever works for the
// subscriber after this desk does not hand it out again.
func (k *desk) serve(p *plan) {
	if len(k.offers) == 0 || k.shipper.full() {
		return
	}
	offers := k.offers
	k.offers = nil
	for _, c := range offers {
		c.offering = false
		if k.clients[c.No] == c && !c.leaving {
			k.serveClient(p, c)
		}
	}
}

func (k *desk) serveClient(p *plan, c *client) {
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
		for n := 0; n < len(offered) && !w.full(); {
			f := offered[n]
			if !w.wants(f.lane) {
				n++
				continue
			}
			if len(p.changes) >= maxChanges {
				k.offer(c)
				return
			}
			k.lend(p, w, f)
			if offered[n] = f.lane.offered(); offered[n] == nil {
				k.touch(f.lane)
				offered = slices.Delete(offered, n, n+1)
			}
		}
	}
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
		k.probeAfter(l, max(l.wait, firstProbe))
	}
}
