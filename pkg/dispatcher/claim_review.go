package dispatcher

import (
	"maps"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// review plans what becomes of the client's nodes and of their buckets.
func (k *desk) review(p *plan, c *client) {
	r := &review{client: c, nodes: maps.Clone(c.claims.nodes), fresh: map[string]time.Duration{}, died: map[string]bool{}}
	now := k.clock.now()
	calls := c.claims.calls
	c.claims.calls = nil
	for _, call := range calls {
		k.call(r, call, now)
	}
	for name, n := range r.nodes {
		if !n.until.After(now) {
			delete(r.nodes, name)
			r.died[name], c.claims.stale = true, true
			k.log.Debug("a node has not claimed again in time", "subscriber", c.Name, "node", name)
		}
	}
	for _, l := range c.lanes {
		if l.lost {
			l.lost = false
			r.died[l.row.Claim.Owner] = true
			r.without(l.row.Claim.Owner, l.bucket)
			c.claims.stale = true
			k.log.Debug("nobody listens where a node has claimed a bucket", "subscriber", c.Name, "bucket", l.bucket.String())
		}
		if !c.has(l.bucket) && l.unsettled() == (l.heading == "") {
			c.claims.stale = true // a bucket of older settings is empty by now, or no longer
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
