package natsbus

import (
	"context"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// claim takes a node's claim of buckets. The subscriber is the last token of the subject.
func (s *DispatchServer) claim(_ context.Context, r *Request, done Done) {
	claim, err := wire.DecodeClaim(r.Body)
	if err != nil {
		done(nil, err)
		return
	}
	s.dispatcher.Claim(last(r), claim, claimed(done))
}

// release gives buckets of a node back.
func (s *DispatchServer) release(_ context.Context, r *Request, done Done) {
	release, err := wire.DecodeRelease(r.Body)
	if err != nil {
		done(nil, err)
		return
	}
	s.dispatcher.Release(last(r), release, claimed(done))
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
