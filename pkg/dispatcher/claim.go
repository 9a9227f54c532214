package dispatcher

import (
	"maps"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// claims are the nodes that claim buckets of a client, and what is asked of them.
type claims struct {
	known  bool // the nodes were read
	nodes  map[string]claimNode
	calls  []*claimCall
	due    bool // it stands in the desk's list of reviews
	stale  bool // the buckets are to be shared out again
	pinned bool // a bucket waits for what the turn before does to its deliveries
	done   bool // reviewed by the plan that is being made
}

// claimNode is a node that lives. Without are the buckets that it gave back, or where nobody listened, since its last claim.
type claimNode struct {
	kapivara.Claimant
	until time.Time // by the store's clock
}

// review is what a turn does to the nodes of a client.
type review struct {
	client *client
	nodes  map[string]claimNode // afterwards
	fresh  map[string]time.Duration
	calls  []*claimCall
}

// claimGrace is how long the nodes of a subscriber live at least after a dispatcher has begun with it: while there was
// none they could not claim again, and their honest answers must not become stale for that.
const claimGrace = time.Second

// meet takes in the nodes that the store has, where they are not known.
func (k *desk) meet(names map[string]*client, nodes []kapivara.ClaimNode) {
	now := k.clock.now()
	for _, c := range names {
		if c.claims.known || k.clients[c.No] != c {
			continue
		}
		c.claims.known, c.claims.nodes = true, map[string]claimNode{}
		for _, n := range nodes {
			if n.Subscriber != c.No {
				continue
			}
			if least := now.Add(claimGrace); n.Until.Before(least) {
				n.Until = least
			}
			c.claims.nodes[n.Node] = claimNode{Claimant: n.Claimant, until: n.Until}
			k.byStore.set(alarm{at: n.Until, client: c})
		}
		k.reshare(c)
	}
}

func numbers(names map[string]*client) []int32 {
	list := make([]int32, 0, len(names))
	for _, c := range names {
		list = append(list, c.No)
	}
	return list
}

// reviewSoon has the next plan look at who has the client's buckets.
func (k *desk) reviewSoon(c *client) {
	if !c.claims.due {
		c.claims.due = true
		k.reviews = append(k.reviews, c)
	}
}

// reshare has the next plan share the client's buckets out again.
func (k *desk) reshare(c *client) {
	c.claims.stale = true
	k.reviewSoon(c)
}

// reviewClaims plans who has which bucket. Buckets that waited for the turn before go first, as long as nothing else is
// planned for them; all others after the answers, which count first.
func (k *desk) reviewClaims(p *plan, pinned bool) {
	k.assignCalls()
	reviews := k.reviews
	k.reviews = nil
	for _, c := range reviews {
		c.claims.due = false
		switch {
		case k.clients[c.No] != c:
		case c.leaving:
			refuseCalls(c.claims.calls, kapivara.ErrOffDuty)
			c.claims.calls = nil
		case c.claims.done || pinned && !c.claims.pinned || !k.prepared(c):
			k.reviewSoon(c)
		default:
			c.claims.done = true
			p.reviewed = append(p.reviewed, c)
			k.review(p, c)
		}
	}
	if !pinned {
		for _, r := range p.reviewed {
			r.claims.done = false
		}
	}
}

// prepared tells that all of the client's buckets are known, and that all have a row where a node may be given one. What
// is missing is seen to.
func (k *desk) prepared(c *client) bool {
	ok := c.claims.known
	for _, l := range c.lanes {
		if l.cold {
			k.feed(l)
			ok = false
		}
	}
	if !ok || len(c.claims.nodes) == 0 && len(c.claims.calls) == 0 {
		return ok
	}
	for _, l := range c.lanes {
		if l.row.No == 0 {
			if ok = false; !l.opened {
				l.opened = true
				k.closed = append(k.closed, l)
			}
		}
	}
	return ok
}

// review plans what becomes of the client's nodes and of their buckets.
func (k *desk) review(p *plan, c *client) {
	r := &review{client: c, nodes: maps.Clone(c.claims.nodes), fresh: map[string]time.Duration{}}
	now := k.clock.now()
	calls := c.claims.calls
	c.claims.calls = nil
	for _, call := range calls {
		k.call(r, call, now)
	}
	for name, n := range r.nodes {
		if !n.until.After(now) {
			delete(r.nodes, name)
			c.claims.stale = true
			k.log.Debug("a node has not claimed again in time", "subscriber", c.Name, "node", name)
		}
	}
	for _, l := range c.lanes {
		if l.lost {
			l.lost = false
			r.without(l.row.Claim.Owner, l.bucket)
			c.claims.stale = true
			k.log.Debug("nobody listens where a node has claimed a bucket", "subscriber", c.Name, "bucket", l.bucket.String())
		}
	}
	if c.claims.stale {
		c.claims.stale = false
		share(c, r.nodes)
		k.goOn(c)
	}
	k.handOver(p, r)
	r.write(p)
	if len(r.calls) > 0 || len(r.fresh) > 0 || !maps.EqualFunc(r.nodes, c.claims.nodes, sameNode) {
		p.reviews = append(p.reviews, r)
	}
}

func sameNode(a, b claimNode) bool {
	return a.until.Equal(b.until) && a.Most == b.Most && slices.Equal(a.Wanted, b.Wanted) && slices.Equal(a.Without, b.Without)
}

// call takes a claim or a release in. What changes nothing is answered at once.
func (k *desk) call(r *review, call *claimCall, now time.Time) {
	c := r.client
	if call.release != nil {
		before, lives := r.nodes[call.release.Node]
		switch {
		case !lives:
			call.done(c.held(call.release.Node), nil)
			return
		case call.release.Buckets == nil:
			delete(r.nodes, call.release.Node)
			delete(r.fresh, call.release.Node)
		default:
			for _, b := range call.release.Buckets {
				r.without(before.Node, b)
			}
		}
		c.claims.stale = true
		r.calls = append(r.calls, call)
		return
	}
	claimant := call.claim.Claimant()
	if claimant.Wanted != nil && !slices.ContainsFunc(claimant.Wanted, func(b kapivara.Bucket) bool { return c.lanes[b] != nil }) {
		call.done(nil, kapivara.Refuse(kapivara.NotFound, "the subscriber has none of these buckets"))
		return
	}
	before, lives := r.nodes[claimant.Node]
	r.nodes[claimant.Node] = claimNode{Claimant: claimant, until: now.Add(call.claim.TTL)}
	r.fresh[claimant.Node] = call.claim.TTL
	c.claims.stale = c.claims.stale || !lives || before.Most != claimant.Most || !slices.Equal(before.Wanted, claimant.Wanted) ||
		len(before.Without) > 0
	r.calls = append(r.calls, call)
}

// without has the node do without the bucket until it claims again.
func (r *review) without(node string, b kapivara.Bucket) {
	if n, lives := r.nodes[node]; lives && !slices.Contains(n.Without, b) {
		n.Without = append(slices.Clone(n.Without), b)
		r.nodes[node] = n
	}
}

// write adds what is newly known of the nodes to the turn.
func (r *review) write(p *plan) {
	no := r.client.No
	for name, ttl := range r.fresh {
		claimant := r.nodes[name].Claimant
		claimant.Without = nil
		p.Nodes = append(p.Nodes, kapivara.NodeChange{Subscriber: no, Claimant: claimant, TTL: ttl})
	}
	for name := range r.client.claims.nodes {
		if _, lives := r.nodes[name]; !lives {
			p.Nodes = append(p.Nodes, kapivara.NodeChange{Subscriber: no, Claimant: kapivara.Claimant{Node: name}})
		}
	}
}

// held are the buckets that the node has.
func (c *client) held(node string) []kapivara.Claimed {
	claimed := []kapivara.Claimed{}
	for b, l := range c.lanes {
		if l.row.Claim.Owner == node {
			claimed = append(claimed, kapivara.Claimed{Bucket: b, Epoch: l.row.Claim.Epoch})
		}
	}
	slices.SortFunc(claimed, func(a, b kapivara.Claimed) int { return a.Bucket.Order() - b.Bucket.Order() })
	return claimed
}
