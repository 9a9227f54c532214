package dispatcher

import (
	"context"

	"kapivara/pkg/kapivara"
)

// openBuckets makes the rows of lanes that need one.
func (k *desk) openBuckets(ctx context.Context) bool {
	if len(k.closed) == 0 || k.stopping {
		return false
	}
	lanes := k.closed
	k.closed = nil
	gens := make([]int, len(lanes))
	rows := make([]kapivara.BucketRow, len(lanes))
	for i, l := range lanes {
		gens[i] = l.gen
		rows[i] = kapivara.BucketRow{Subscriber: l.client.Name, Bucket: l.bucket}
	}
	k.start(ctx, func(ctx context.Context) (func(), error) {
		opened, err := k.store.OpenBuckets(ctx, k.epoch, rows)
		return func() {
			for i, l := range lanes {
				if l.gen == gens[i] && k.clients[l.client.No] == l.client {
					l.row = opened[i]
					k.lanes[l.row.No] = l
					k.touch(l)
					k.reshare(l.client)
				}
				l.opened = false
			}
		}, err
	})
	return true
}
