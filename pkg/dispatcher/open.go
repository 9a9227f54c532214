package dispatcher

import (
	"context"
	"errors"
	"slices"

	"kapivara/pkg/kapivara"
)

// openBuckets makes the rows of lanes that need one.
func (k *desk) openBuckets(ctx context.Context) bool {
	if len(k.closed) == 0 || k.stopping {
		return false
	}
	lanes := slices.DeleteFunc(k.closed, func(l *lane) bool { return k.clients[l.client.No] != l.client })
	k.closed = nil
	if len(lanes) == 0 {
		return false
	}
	var clients []*client
	gens := make([]int, len(lanes))
	rows := make([]kapivara.BucketRow, len(lanes))
	for i, l := range lanes {
		gens[i] = l.gen
		if !slices.Contains(clients, l.client) {
			clients = append(clients, l.client)
		}
		rows[i] = kapivara.BucketRow{Subscriber: l.client.Name, Bucket: l.bucket}
	}
	hold := k.hold(clients...)
	k.start(ctx, func(ctx context.Context) (func(), error) {
		opened, err := k.store.OpenBuckets(ctx, hold, rows)
		lost := errors.Is(err, kapivara.ErrLostDuty)
		if lost {
			err = nil
		}
		return func() {
			if lost {
				k.off()
			}
			for i, l := range lanes {
				if !lost && l.gen == gens[i] && k.clients[l.client.No] == l.client {
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
