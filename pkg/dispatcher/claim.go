package dispatcher

import (
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
	died   map[string]bool // those whose time has ended, or who did not listen
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
		if l.row.No == 0 && !l.left() {
			if ok = false; !l.opened {
				l.opened = true
				k.closed = append(k.closed, l)
			}
		}
	}
	return ok
}
