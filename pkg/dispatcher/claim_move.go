package dispatcher

import (
	"slices"

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
		if c.has(b) || l.unsettled() {
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

// unsettled tells that something numbered is still to be sent or answered, as far as is known.
func (l *lane) unsettled() bool { return len(l.flights) > 0 || l.more && l.row.No != 0 }

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
			died := r.died[l.row.Claim.Owner]
			claim := l.row.Claim.To(l.heading)
			p.stepOf(l).claim = &claim
			k.void(p, l, died)
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
func (k *desk) void(p *plan, l *lane, died bool) {
	now, c := k.clock.now(), l.client
	for _, f := range l.flights {
		nobodys := f.unheard && !f.doubt && l.probe != f && l.again[f.Number] == 0
		if f.Lease.State == kapivara.Leased && !nobodys {
			next := f.Lease.Void()
			if died {
				next = f.Lease.Abandon(c.news.Answered || c.lastAnswer.After(f.out), c.Policy())
			}
			k.stage(p, f, next, now, nil)
		}
	}
}
