package dispatcher

import (
	"time"

	"kapivara/pkg/kapivara"
)

// apply takes in a turn that is durable: it moves the lanes on, lets what was leased be sent, and then confirms what was
// answered.
func (k *desk) apply(p *plan, now time.Time) {
	for i, l := range p.lanes {
		l.step = nil
		if l.gen != p.gens[i] {
			continue // forgotten meanwhile
		}
		b := &p.Buckets[i]
		l.row.Version, l.row.Sent, l.row.Floor = b.Version+1, b.Sent, b.Floor
	}
	for i, c := range p.clients {
		n := &p.Presences[i]
		if n.Answered {
			c.lastAnswer, c.silent = now, false
		} else {
			c.silent = c.silent || !n.SilentSince.IsZero()
		}
	}
	for i := range p.changes {
		k.change(&p.changes[i], now)
	}
	k.claimed(p, now)
	p.cargo.decide(true)
	for i := range p.changes {
		if c := &p.changes[i]; c.verb == settles {
			k.sender.Notify(c.flight.lane.client.Name, c.flight.show(now))
			if c.answer != nil {
				c.answer.reply(c.next.Reply(c.answer.Verdict), nil)
			}
		}
	}
	for _, l := range p.lanes {
		k.touch(l)
		k.feed(l)
		k.offer(l.client)
	}
}

// change moves one delivery on. The turn's time replaces the estimate on which it was decided.
func (k *desk) change(c *change, now time.Time) {
	f, l := c.flight, c.flight.lane
	was := f.Lease.State
	if !c.next.Until.IsZero() {
		c.next.Until = now.Add(c.after)
	}
	f.staged = false
	f.Lease = c.next
	k.outdated(f.Ref)
	switch c.verb {
	case settles:
		k.settled(f)
	case leases:
		k.leasedMeanwhile(f)
	case retries, lends:
	}
	if l.gen != c.gen {
		return // forgotten meanwhile
	}
	if l.filling {
		l.changed[f.Number] = struct{}{}
	}
	switch c.verb {
	case leases:
		f.Lease.Sent = now
		l.flights[f.Number] = f
		l.leased++
		return
	case retries:
		f.Lease.Sent, f.out, f.Retried, f.doubt = now, time.Time{}, true, false
		l.leased++
		return
	case lends:
		f.Retried = true
		if f.Lease.Pulled {
			f.Lease.Sent = now
		}
		return
	case settles:
	}
	f.Retried = true
	if c.answer != nil {
		k.answered(f)
	}
	l.tell(f)
	if was == kapivara.Leased && f.Lease.State != kapivara.Leased {
		l.leased--
	}
	switch f.Lease.State {
	case kapivara.Leased:
		if f.out.IsZero() {
			f.out = now // it was answered, so it has arrived
		}
		k.byStore.set(alarm{at: f.Lease.Until, lane: l, flight: f})
	case kapivara.Hidden, kapivara.Pending:
		if l.flights[f.Number] == nil {
			l.add(f)
		}
		l.unhide(f)
		l.recall(f)
		k.conceal(l, f)
	default:
		l.drop(f)
	}
}
