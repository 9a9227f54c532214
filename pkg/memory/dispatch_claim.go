package memory

import (
	"context"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// Nodes is the dispatcher's port.
func (d *Dispatch) Nodes(_ context.Context, subscribers []int32) (nodes []kapivara.ClaimNode, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.nodes {
		if slices.Contains(subscribers, n.Subscriber) {
			nodes = append(nodes, n)
		}
	}
	return nodes, nil
}

// keepNodes writes nodes down and strikes them out. A subscriber that is gone has none.
func (d *Dispatch) keepNodes(changes []kapivara.NodeChange, now time.Time) {
	for _, c := range changes {
		d.nodes = slices.DeleteFunc(d.nodes, func(n kapivara.ClaimNode) bool {
			return n.Subscriber == c.Subscriber && n.Node == c.Node
		})
		there := slices.ContainsFunc(d.subscribers, func(s kapivara.Subscriber) bool { return s.No == c.Subscriber })
		if c.TTL > 0 && there {
			d.nodes = append(d.nodes, kapivara.ClaimNode{Subscriber: c.Subscriber, Claimant: c.Claimant, Until: now.Add(c.TTL)})
		}
	}
}

// Claims gives who has the buckets of a subscriber, by its name.
func (d *Dispatch) Claims(subscriber string) map[kapivara.Bucket]kapivara.Claim {
	d.mu.Lock()
	defer d.mu.Unlock()
	claims := map[kapivara.Bucket]kapivara.Claim{}
	for _, b := range d.buckets {
		if b.Subscriber == subscriber {
			claims[b.Bucket] = b.Claim
		}
	}
	return claims
}
