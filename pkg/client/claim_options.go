package client

import (
	"errors"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// WithClaim has the deliveries of a bucket go to this node alone: it claims count buckets, or those of WithBuckets, or
// where count is 0 and there are none of those, its even share of all. The claim outlives the node by the ttl, 1 s to 5 m, or
// 10 s where it is 0. Stop gives the buckets back, so that others have them at once.
func WithClaim(count int, ttl time.Duration) SubscribeOption {
	return func(c *subscribeConfig) error {
		switch {
		case ttl == 0:
			ttl = wire.DefaultClaimTTL
		case ttl < kapivara.MinClaimTTL || ttl > kapivara.MaxClaimTTL:
			return errors.New("the ttl of a claim is 1s to 5m")
		}
		if count < 0 {
			return errors.New("a claim is for 1 bucket or more, or with 0 for an even share")
		}
		c.claim, c.claimCount, c.claimTTL = true, count, ttl
		return nil
	}
}

// newClaimer is the claim that the options ask for, nil where they ask for none.
func (c *subscribeConfig) newClaimer() (*claimer, error) {
	if !c.claim {
		return nil, nil //nolint:nilnil // no claim is asked for
	}
	r := ClaimRequest{Node: newNode(), Count: c.claimCount, Buckets: c.buckets, TTL: c.claimTTL}
	if err := r.Check(); err != nil {
		return nil, err
	}
	return &claimer{request: r, again: make(chan struct{}, 1), ended: make(chan struct{})}, nil
}
