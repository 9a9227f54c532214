package dispatcher

import (
	"kapivara/pkg/kapivara"
)

// claimCall is a claim or a release on its way.
type claimCall struct {
	subscriber string
	claim      *kapivara.ClaimRequest
	release    *kapivara.ReleaseRequest
	rosters    int // how many rosters must have been read before its subscriber is not there
	done       func([]kapivara.Claimed, error)
}

func (c *claimCall) node() string {
	if c.claim != nil {
		return c.claim.Node
	}
	return c.release.Node
}

// Claim takes a claim for the subscriber. done is called exactly once, when the claim is durable, with the buckets that the
// node then has, or with the refusal; it must not block.
func (d *Dispatcher) Claim(subscriber string, r kapivara.ClaimRequest, done func([]kapivara.Claimed, error)) {
	if err := r.Check(); err != nil {
		done(nil, err)
		return
	}
	d.inbox.call(&claimCall{subscriber: subscriber, claim: &r, done: done})
}

// Release takes buckets of the subscriber back from a node. done is called as by Claim; releasing what is not held is ok.
func (d *Dispatcher) Release(subscriber string, r kapivara.ReleaseRequest, done func([]kapivara.Claimed, error)) {
	if err := r.Check(); err != nil {
		done(nil, err)
		return
	}
	d.inbox.call(&claimCall{subscriber: subscriber, release: &r, done: done})
}

// maxCalls bounds the claims that wait for their turn.
const maxCalls = 4096

// call takes a claim in, or refuses it.
func (b *inbox) call(c *claimCall) {
	var refusal error
	b.put(func() {
		switch {
		case b.down:
			refusal = kapivara.Refuse(kapivara.Unavailable, "the store is out of reach; claim again")
		case len(b.calls) >= maxCalls:
			busy := kapivara.Refuse(kapivara.Busy, "too many claims wait; claim again")
			busy.Facts.RetryAfter = "100ms"
			refusal = busy
		default:
			b.calls = append(b.calls, c)
		}
	})
	if refusal != nil {
		c.done(nil, refusal)
	}
}

func refuseCalls(calls []*claimCall, refusal error) {
	for _, c := range calls {
		c.done(nil, refusal)
	}
}

func errNoClient() error {
	return kapivara.Refuse(kapivara.NotFound, "no subscriber has this name; set it in the registry first")
}

// assignCalls gives the calls to their clients. One for a subscriber that is not there waits for a roster read after it
// came: it may have been set just now.
func (k *desk) assignCalls() {
	calls := k.calls
	k.calls = nil
	for _, call := range calls {
		c := k.named(call.subscriber)
		switch {
		case c != nil:
			c.claims.calls = append(c.claims.calls, call)
			k.reviewSoon(c)
		case call.rosters == 0:
			call.rosters = k.rosters + 2 // one may be on its way that does not know of it
			fallthrough
		case k.rosters < call.rosters:
			k.wants.roster = true
			k.calls = append(k.calls, call)
		default:
			call.done(nil, errNoClient())
		}
	}
}

func (k *desk) named(subscriber string) *client {
	for _, c := range k.clients {
		if c.Name == subscriber {
			return c
		}
	}
	return nil
}
