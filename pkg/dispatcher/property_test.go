package dispatcher_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
	"kapivara/pkg/porttest"
)

// TestTheBusKeepsItsPromises plays the machine on memory; pkg/postgres plays it on PostgreSQL.
func TestTheBusKeepsItsPromises(t *testing.T) {
	t.Parallel()
	porttest.Machine(t, dispatcher.Config{}, 10, 20_000, func() porttest.MachineStore { return inMemory{memory.NewDispatch(time.Now)} })
}

type inMemory struct{ *memory.Dispatch }

func (inMemory) Close() {}

var errCut = kapivara.Refuse(kapivara.Unavailable, "cut")

// inBubble runs f in a bubble of its own time. A panic, by which rapid ends a run, leaves it.
func inBubble(t *testing.T, f func()) {
	var reason any
	synctest.Test(t, func(*testing.T) {
		defer func() { reason = recover() }()
		f()
	})
	if reason != nil {
		panic(reason)
	}
}

// ruleOf is the published rule, over the buckets that the delivery shows (I-13).
func ruleOf(d *kapivara.Delivery) kapivara.Bucket {
	b := kapivara.JumpHash(d.Stream.Hash(), d.Buckets)
	if d.Bucket.Canary() {
		if !d.Canary {
			return kapivara.MaxBuckets // no other stream has one
		}
		return kapivara.Bucket(-1 - b)
	}
	return kapivara.Bucket(b)
}
