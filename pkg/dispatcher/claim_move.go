package dispatcher

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// moving tells that the bucket is to go to another node, or to none: nothing new is sent until it has.
func (l *lane) moving() bool { return l.heading != l.row.Claim.Owner }

// share decides who is to have which bucket. A bucket that is on its way to a node that lives goes on; one of older
// settings is shared out as long as anything of it is unsettled.
func share(c *client, nodes map[string]claimNode) {
	claimants := make([]kapivara.Claimant, 0, len(nodes))
	for _, n := range nodes {
		claimants = append(claimants, n.Claimant)
	}
	buckets := make([]kapivara.Bucket, 0, len(c.lanes))
	present := make(map[kapivara.Bucket]string, len(c.lanes))
	for b, l := range c.lanes {
		if c.has(b) || len(l.flights) > 0 {
			buckets = append(buckets, b)
		}
		present[b] = l.row.Claim.Owner
		if _, lives := nodes[l.heading]; lives {
			present[b] = l.heading
		}
	}
	if len(claimants) == 0 {
		buckets = nil
	}
	owners := kapivara.Share(buckets, present, claimants)
	for b, l := range c.lanes {
		l.heading = owners[b]
	}
}

// goOn lets buckets go on that were to go to another node and now stay where they are.
func (k *desk) goOn(c *client) {
	for _, l := range c.lanes {
		if l.moving() {
			continue
		}
		if l.held {
			l.held = false
			k.probeAfter(l, firstProbe)
		}
		k.touch(l)
	}
}

// has tells whether the bucket is one by the settings in force.
func (c *client) has(b kapivara.Bucket) bool {
	return int(b) < c.Buckets && int(b) >= -c.CanaryBuckets
}

// handOver plans the buckets that go to another node now. One whose owner lives goes when nothing of it is out any more;
// one whose owner is gone, gave it back or does not listen goes at once, and what is out becomes void.
func (k *desk) handOver(p *plan, r *review) {
	c := r.client
	c.claims.pinned = false
	for _, l := range c.lanes {
		if !l.moving() {
			continue
		}
		owner, lives := r.nodes[l.row.Claim.Owner]
		stays := lives && !slices.Contains(owner.Without, l.bucket) || l.row.Claim.Owner == ""
		switch {
		case stays && l.out() > 0:
			k.reviewSoon(c)
		case l.pinned():
			c.claims.pinned = true
			k.reviewSoon(c)
		default:
			claim := l.row.Claim.To(l.heading)
			p.stepOf(l).claim = &claim
			k.void(p, l)
		}
	}
}

// out counts what somebody may have at hand: what is leased, but for what met nobody.
func (l *lane) out() int {
	n := l.leased - len(l.unheard)
	if l.probe != nil {
		n++
	}
	return n
}

// pinned tells that the plan changes something that is leased; it cannot change it twice.
func (l *lane) pinned() bool {
	for _, f := range l.flights {
		if f.staged && f.Lease.State == kapivara.Leased {
			return true
		}
	}
	return false
}

// void takes back what is leased, for its next attempt. What certainly met nobody keeps its attempt.
func (k *desk) void(p *plan, l *lane) {
	now := k.clock.now()
	for _, f := range l.flights {
		nobodys := f.unheard && !f.doubt && l.probe != f && l.again[f.Number] == 0
		if f.Lease.State == kapivara.Leased && !nobodys {
			k.stage(p, f, f.Lease.Void(), now, nil)
		}
	}
}

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
