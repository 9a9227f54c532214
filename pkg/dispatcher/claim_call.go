package dispatcher

import (
	"kapivara/pkg/kapivara"
)

// claimCall is a claim or a release on its way.
type claimCall struct {
	subscriber string
	claim      *kapivara.ClaimRequest
	release    *kapivara.ReleaseRequest
	done       func([]kapivara.Claimed, error)
}

func (c *claimCall) node() string {
	if c.claim != nil {
		return c.claim.Node
	}
	return c.release.Node
}

// Claim takes a claim for the subscriber. done is called exactly once, when the claim is durable, with the buckets that the
// node then has, or with the refusal; it must not block. kapivara.ErrOffDuty says that the subscriber is another
// dispatcher's.
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
		case b.down && !b.mine[c.subscriber]:
			refusal = kapivara.ErrOffDuty
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

// assignCalls gives the calls to their clients. One for a subscriber that is another dispatcher's, or not there, is for
// whoever knows better.
func (k *desk) assignCalls() {
	calls := k.calls
	k.calls = nil
	for _, call := range calls {
		c := k.names[call.subscriber]
		switch {
		case c == nil && (k.wants.roster || k.enrolling):
			k.calls = append(k.calls, call)
		case c == nil || c.leaving:
			k.strange(call.subscriber)
			call.done(nil, kapivara.ErrOffDuty)
		default:
			c.claims.calls = append(c.claims.calls, call)
			k.reviewSoon(c)
		}
	}
}
