package client

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"kapivara/pkg/wire"
)

// Claim claims buckets of a subscriber for a node and gives those that it then has. It holds for r.TTL; claim again before
// that ends. Subscribe to kapivara.v1.bucket.<subscriber>.*.<node> in the queue group of the subscriber first. Subscribe
// with WithClaim does all of this.
func (c *Client) Claim(ctx context.Context, subscriber string, r ClaimRequest) ([]Claimed, error) {
	return c.claim(ctx, "claim", wire.Claim(subscriber), wire.EncodeClaim(&r))
}

// Release gives buckets of a node back, all where r names none, and gives those that it still has. What it had leased of
// them is sent to others.
func (c *Client) Release(ctx context.Context, subscriber string, r ReleaseRequest) ([]Claimed, error) {
	return c.claim(ctx, "release", wire.Release(subscriber), wire.EncodeRelease(&r))
}

func (c *Client) claim(ctx context.Context, step, subject string, body []byte) ([]Claimed, error) {
	reply, err := c.Request(ctx, subject, body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	claimed, err := wire.DecodeClaimed(reply)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	return claimed, nil
}

// newNode is the name of one run of a node.
func newNode() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails
	return "n-" + hex.EncodeToString(b[:])
}
