package dispatcher

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// recall ends the wait for somebody who listens, for a flight that is no longer out.
func (l *lane) recall(f *flight) {
	delete(l.unheard, f.Number)
	f.unheard, f.doubt, f.events = false, false, nil
	if l.probe == f {
		l.probe = nil
	}
}

// lose takes in that a sending to the bucket's owner met nobody: its claim of the bucket ends.
func (k *desk) lose(f *flight) {
	l := f.lane
	f.unheard = true
	l.unheard[f.Number] = f
	if l.probe == f {
		l.probe = nil
	}
	l.lost = true
	k.reviewSoon(l.client)
}

// claimed takes in what a durable turn has done to claims, and answers those who have asked.
func (k *desk) claimed(p *plan, now time.Time) {
	for i, l := range p.lanes {
		if claim := p.Buckets[i].Claim; claim != nil && l.gen == p.gens[i] {
			l.row.Claim = *claim
			k.resume(l)
		}
	}
	for _, r := range p.reviews {
		c := r.client
		if k.clients[c.No] != c {
			refuseCalls(r.calls, kapivara.ErrOffDuty)
			continue
		}
		for name, ttl := range r.fresh {
			n := r.nodes[name]
			n.until = now.Add(ttl)
			r.nodes[name] = n
			k.byStore.set(alarm{at: n.until, client: c})
		}
		c.claims.nodes = r.nodes
		for _, call := range r.calls {
			call.done(c.held(call.node()), nil)
		}
	}
}

// resume sends what met nobody to the bucket's new owner, or to whoever listens where it has none. An owner that pulls is
// sent nothing.
func (k *desk) resume(l *lane) {
	if rest := l.pulled(); rest > 0 && len(l.unheard) > 0 {
		l.probe, l.held = nil, false
		k.probeAfter(l, rest)
		k.offer(l.client)
		return
	}
	waiting := slices.SortedFunc(maps.Values(l.unheard), func(a, b *flight) int { return cmp.Compare(a.Number, b.Number) })
	clear(l.unheard)
	l.probe, l.wait, l.held = nil, 0, false
	for _, f := range waiting {
		f.unheard, f.out = false, time.Time{}
		if f.Lease.State == kapivara.Leased && !f.staged {
			k.resend(f)
		}
	}
}

// unclaimed takes a review back whose turn was refused: it is made anew.
func (k *desk) unclaimed(p *plan) {
	for _, r := range p.reviews {
		if c := r.client; k.clients[c.No] == c {
			c.claims.calls = append(r.calls, c.claims.calls...)
			k.reshare(c)
		} else {
			refuseCalls(r.calls, kapivara.ErrOffDuty)
		}
	}
}
