package natsbus

import (
	"context"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// claim takes a node's claim of buckets.
func (s *DispatchServer) claim(_ context.Context, subscriber string, body []byte, done Done) {
	claim, err := wire.DecodeClaim(body)
	if err != nil {
		done(nil, err)
		return
	}
	s.dispatcher.Claim(subscriber, claim, claimed(done))
}

// release gives buckets of a node back.
func (s *DispatchServer) release(_ context.Context, subscriber string, body []byte, done Done) {
	release, err := wire.DecodeRelease(body)
	if err != nil {
		done(nil, err)
		return
	}
	s.dispatcher.Release(subscriber, release, claimed(done))
}

// claimed answers with the buckets that the node then has.
func claimed(done Done) func([]kapivara.Claimed, error) {
	return func(buckets []kapivara.Claimed, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(wire.AppendClaimed(nil, buckets), nil)
	}
}
