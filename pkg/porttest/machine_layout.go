package porttest

import (
	"context"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

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

// resize changes the numbers of buckets.
func (w *machine) resize(r *rapid.T) {
	w.mu.Lock()
	w.subscriber.Buckets = rapid.IntRange(1, 4).Draw(r, "buckets")
	w.subscriber.CanaryBuckets = rapid.IntRange(0, 2).Draw(r, "canary buckets")
	w.store.Subscribe(w.subscriber)
	w.mu.Unlock()
	w.pokeSome(r)
}

// place does what the writers do after a change: some of it.
func (w *machine) place(r *rapid.T) {
	for range rapid.IntRange(1, 5).Draw(r, "places") {
		if !w.store.Place() {
			break
		}
		w.pokeSome(r)
	}
}

// lowestFirst holds a turn that is done against the rule: in the layout in force, what it has leased in a bucket is due
// before all that still waits there, in the order of the numbers. A stream that had a delivery may be held back, or may have
// been until just now.
func (w *machine) lowestFirst(turn *kapivara.Turn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(turn.Leases) == 0 {
		return
	}
	last := map[int32]int64{}
	for i := range turn.Leases {
		l := &turn.Leases[i]
		if l.Cause == kapivara.CauseReplay {
			continue // they go after what is due by itself
		}
		if l.Due.LogPosition < last[l.Ref.Bucket] {
			w.fault(&kapivara.Delivery{Number: l.Ref.Number}, "is due before the one with the number before")
		}
		last[l.Ref.Bucket] = l.Due.LogPosition
	}
	had := map[kapivara.Stream]bool{}
	for _, n := range w.store.All() {
		had[n.Name] = true
	}
	layouts := map[int32]kapivara.HeldLayout{}
	for _, h := range turn.Layouts {
		layouts[h.Subscriber] = h
	}
	rows, _, _ := w.store.Buckets(context.Background(), []string{w.subscriber.Name})
	buckets := map[kapivara.Bucket]int32{}
	for _, row := range rows {
		buckets[row.Bucket] = row.No
	}
	for _, waits := range w.store.Waiting() {
		h, held := layouts[waits.Subscriber]
		no := buckets[h.BucketOf(waits.Name, waits.Canary)]
		if held && !had[waits.Name] && waits.LogPosition < last[no] {
			w.fault(&kapivara.Delivery{Stream: waits.Name, Cause: waits.Cause}, "due at %d, waits in bucket %s, in which one of %d was leased; grown %v, moving %v",
				waits.LogPosition, h.BucketOf(waits.Name, waits.Canary), last[no], waits.Grown, turn.Leases)
		}
	}
}
