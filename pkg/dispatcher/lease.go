package dispatcher

import (
	"time"

	"kapivara/pkg/kapivara"
)

// fill leases what the lanes have room for, those first that have waited longest. Later attempts and first ones take
// turns in a lane, so that neither keeps the other out.
func (k *desk) fill(p *plan) {
	if k.stopping || k.ended {
		return
	}
	now := k.clock.now()
	for n := len(k.dirty); n > 0 && len(p.cargo.items) < k.cfg.Leases && !k.shipper.full(); n-- {
		l := k.dirty[0]
		k.dirty = k.dirty[1:]
		l.dirty = false
		if l.cold || l.client.leaving || len(l.unheard) > 0 || k.clients[l.client.No] != l.client {
			continue // touched again once that has changed
		}
		begun, leased := len(p.Again), len(p.Leases)
		if l.newFirst {
			k.lease(p, l, now)
		}
		k.again(p, l, now)
		k.lease(p, l, now)
		k.replay(p, l, now)
		l.newFirst = len(p.Again) > begun || l.newFirst && len(p.Leases) == leased
		k.feed(l)
	}
}

// again begins the next attempts of what was hidden until now.
func (k *desk) again(p *plan, l *lane, now time.Time) {
	for i := 0; i < len(l.hidden) && !l.hidden[i].Lease.Until.After(now); {
		f := l.hidden[i]
		if f.staged {
			i++
			continue
		}
		w, ok := k.road(l)
		if !ok {
			return
		}
		if len(p.cargo.items) >= k.cfg.Leases {
			k.touch(l)
			return
		}
		l.unhide(f)
		f.staged = true
		next := f.Lease.Begin(now, l.client.Policy())
		next.Pulled = w != nil
		p.stepOf(l).leased++
		p.Again = append(p.Again, kapivara.NextAttempt{
			Ref: f.Ref, Attempt: next.Attempt, AckWait: l.client.AckWait, Pulled: next.Pulled,
		})
		p.changes = append(p.changes, change{flight: f, next: next, after: l.client.AckWait, verb: retries, gen: l.gen})
		k.loadOnto(p, f, w, k.item(f, next.Attempt))
	}
}

// lease gives what is due its number.
func (k *desk) lease(p *plan, l *lane, now time.Time) {
	if len(l.queue) > 0 && l.row.No == 0 {
		k.open(l)
		return
	}
	for i := l.first(); i >= 0; i = l.first() {
		if l.queue[i].Covered() {
			k.dropCovered(p, l, l.pick(i))
			continue
		}
		to, ok := k.road(l)
		if !ok {
			return
		}
		if len(p.cargo.items) >= k.cfg.Leases {
			k.touch(l)
			return
		}
		k.number(p, l, l.pick(i), to, now)
	}
}

// open has the lane's row made.
func (k *desk) open(l *lane) {
	if !l.opened {
		l.opened = true
		k.closed = append(k.closed, l)
	}
}

// number gives a stream the next number of the lane, and with it the lease of its first attempt.
func (k *desk) number(p *plan, l *lane, w kapivara.Waiting, to *waiter, now time.Time) {
	s := p.stepOf(l)
	s.sent++
	s.leased++
	ref := kapivara.Ref{Bucket: l.row.No, Number: s.sent}
	f := &flight{lane: l, staged: true, Numbered: l.client.Number(w, ref, l.bucket)}
	next := f.Lease.Begin(now, l.client.Policy())
	next.Pulled, f.Retried = to != nil, to != nil
	p.Leases = append(p.Leases, kapivara.NewDelivery{
		Ref: f.Ref, Due: w.Due, From: f.From, To: f.To, AckWait: l.client.AckWait, Buckets: f.Buckets, Cause: f.Cause,
		Pulled: next.Pulled,
	})
	p.changes = append(p.changes, change{flight: f, next: next, after: l.client.AckWait, verb: leases, gen: l.gen})
	k.loadOnto(p, f, to, k.item(f, next.Attempt))
	l.engage(f.Stream) // it holds back the next one from now on
}
