package dispatcher_test

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
func (w *world) resize(r *rapid.T) {
	w.mu.Lock()
	w.subscriber.Buckets = rapid.IntRange(1, 4).Draw(r, "buckets")
	w.subscriber.CanaryBuckets = rapid.IntRange(0, 2).Draw(r, "canary buckets")
	w.store.Subscribe(w.subscriber)
	w.mu.Unlock()
	w.pokeSome(r)
}

// place does what the writers do after a change: some of it.
func (w *world) place(r *rapid.T) {
	for range rapid.IntRange(1, 5).Draw(r, "places") {
		if !w.store.Place() {
			break
		}
		w.pokeSome(r)
	}
}

func (w *world) pokeSome(r *rapid.T) {
	if rapid.Bool().Draw(r, "poke") {
		w.link.d.Poke(true, rapid.Bool().Draw(r, "registry"))
	}
}

// lowestFirst holds a turn that is done against the rule: in the layout in force, what it has leased in a bucket is due
// before all that still waits there, in the order of the numbers.
func (w *world) lowestFirst(turn *kapivara.Turn) {
	w.mu.Lock()
	defer w.mu.Unlock()
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
		if held && waits.LogPosition < last[no] {
			w.fault(&kapivara.Delivery{Stream: waits.Name}, "waits in a bucket in which a later one was leased")
		}
	}
}
