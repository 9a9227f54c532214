package dispatcher

import (
	"time"

	"kapivara/pkg/kapivara"
)

// fill leases what the lanes have room for, those first that have waited longest. Later attempts and first ones take
// turns in a lane, so that neither keeps the other out.
func (k *desk) fill(p *plan) {
	if k.stopping {
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
		p.stepOf(l).leased++
		p.Again = append(p.Again, kapivara.NextAttempt{Ref: f.Ref, Attempt: next.Attempt, AckWait: l.client.AckWait})
		p.changes = append(p.changes, change{flight: f, next: next, after: l.client.AckWait, verb: retries, gen: l.gen})
		k.loadOnto(p, f, w, k.item(f, next.Attempt))
	}
}

// lease gives what is due its number.
func (k *desk) lease(p *plan, l *lane, now time.Time) {
	if l.row.No == 0 {
		if len(l.queue) > 0 && !l.opened {
			l.opened = true
			k.closed = append(k.closed, l)
		}
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
		w := l.pick(i)
		s := p.stepOf(l)
		s.sent++
		s.leased++
		f := &flight{lane: l, staged: true, Numbered: l.number(w, s.sent)}
		next := f.Lease.Begin(now, l.client.Policy())
		p.Leases = append(p.Leases, kapivara.NewDelivery{
			Ref: f.Ref, Due: w.Due, From: f.From, To: f.To, AckWait: l.client.AckWait, Buckets: f.Buckets, Cause: f.Cause,
		})
		p.changes = append(p.changes, change{flight: f, next: next, after: l.client.AckWait, verb: leases, gen: l.gen})
		k.loadOnto(p, f, to, k.item(f, next.Attempt))
		l.engage(f.Stream) // it holds back the next one from now on
	}
}

// number is the delivery of a stream, or of the stretch by which it has grown.
func (l *lane) number(w kapivara.Waiting, number int64) kapivara.Numbered {
	buckets := l.client.Buckets
	if l.bucket.Canary() {
		buckets = l.client.CanaryBuckets
	}
	from, to := w.Stretch()
	return kapivara.Numbered{
		Ref: kapivara.Ref{Bucket: l.row.No, Number: number}, Waiting: w, From: from, To: to, Buckets: buckets,
	}
}
