package dispatcher_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

// resize sets the numbers of buckets and lets the dispatcher know, without placing anything.
func (b *bench) resize(buckets, canary int) {
	s := billing()
	s.Buckets, s.CanaryBuckets = buckets, canary
	b.store.Subscribe(s)
	b.d.Poke(true, true)
	synctest.Wait()
}

// place places all that waits, or so many parts of it.
func (b *bench) place(parts int) {
	for ; parts != 0 && b.store.Place(); parts-- {
	}
	b.d.Poke(true, true)
	synctest.Wait()
}

// I-17: a change moves what was never sent and nothing else; what was sent keeps bucket and number, and its bucket is
// served until it is empty. (Axon's merge sends again what was handled.)
func TestAResizeMovesOnlyWhatWasNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.Buckets = 4 }))
		var names []string
		for i := range 40 {
			names = append(names, fmt.Sprint(i))
		}
		b.finish(names...)
		before := b.takeSent()
		if len(before) != 4 {
			t.Fatalf("got %v, want one for each bucket", brief(before))
		}
		b.resize(1, 0)
		b.none()
		b.place(-1)
		b.none() // bucket 0 has its one in flight
		committed := map[kapivara.Stream]bool{}
		var old []kapivara.Delivery
		slices.SortFunc(before, func(a, b kapivara.Delivery) int { return int(a.Bucket - b.Bucket) })
		for _, d := range before[1:] {
			b.settles(d, nak, kapivara.Hidden)
		}
		b.pass(time.Second)
		for _, d := range b.takeSent() {
			if d.Attempt != 2 || d.Buckets != 4 || ruleOf(&d) != d.Bucket {
				t.Errorf("got %v over %d buckets, want the second attempts where the first ones were", brief([]kapivara.Delivery{d}), d.Buckets)
			}
			b.settles(d, ack, kapivara.Committed)
			committed[d.Stream] = true
			old = append(old, d)
		}
		b.settles(before[0], ack, kapivara.Committed)
		committed[before[0].Stream] = true
		for len(committed) < len(names) {
			d := b.one()
			if committed[d.Stream] || d.Bucket != 0 || d.Buckets != 1 || d.Attempt != 1 {
				t.Fatalf("got %v over %d buckets, want what was never sent in bucket 0 of 1", brief([]kapivara.Delivery{d}), d.Buckets)
			}
			committed[d.Stream] = true
			b.settles(d, ack, kapivara.Committed)
		}
		if len(old) != 3 {
			t.Errorf("got second attempts of %v, want 3", brief(old))
		}
		for _, d := range old { // the same answer is confirmed for ever, also where the bucket is no more
			b.settles(d, ack, kapivara.Committed)
		}
		b.pass(time.Hour)
		b.none()
	})
}

// I-17: while a subscriber moves, what is placed is sent and the rest waits, so that no later stream of a bucket overtakes
// one that has still to come into it. What becomes due meanwhile waits behind.
func TestWhatIsPlacedIsSentAtOnceAndTheRestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.Buckets = 2 }))
		b.hangUp()
		b.finish("a", "b", "c", "d", "e", "f")
		b.takeSent()
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		b.resize(1, 0)
		b.finish("later")
		b.pass(5 * time.Second) // the probes find the nodes; what was leased in the old buckets goes out
		first := b.takeSent()
		waits := b.store.Waiting()
		if len(first) == 0 || len(waits)+streamsOf(first) != 7 {
			t.Fatalf("%v were sent before anything is placed, and %d wait", brief(first), len(waits))
		}
		for len(waits) > 1 { // the last one became due after the change
			lowest := waits[0]
			b.place(1)
			d := b.one()
			if d.Stream != lowest.Name || d.Bucket != 0 || d.Buckets != 1 {
				t.Fatalf("got %v over %d buckets, want %s", brief([]kapivara.Delivery{d}), d.Buckets, lowest.Name)
			}
			waits = b.store.Waiting()
		}
		b.pass(time.Minute)
		b.none()
		b.place(-1)
		if d := b.one(); d.Stream != stream("later") {
			t.Errorf("got %v, want what became due after the change", brief([]kapivara.Delivery{d}))
		}
	})
}

func streamsOf(sent []kapivara.Delivery) int {
	seen := map[kapivara.Stream]bool{}
	for _, d := range sent {
		seen[d.Stream] = true
	}
	return len(seen)
}

// I-17: a change that comes while the dispatcher is away, and one that is taken back at once, end as any other. (Pulsar's
// Key_Shared got stuck.)
func TestChangesThatTheDispatcherHasNotSeenDoNotStopIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.Buckets = 3 }))
		var names []string
		for i := range 30 {
			names = append(names, fmt.Sprint(i))
		}
		b.finish(names...)
		b.d.Stop()
		for _, buckets := range []int{8, 2, 3} { // the last one is what the dispatcher knew
			s := billing()
			s.Buckets = buckets
			b.store.Subscribe(s)
			b.store.Place()
		}
		b.begin(b.store)
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		for _, buckets := range []int{5, 3, 5} {
			s := billing()
			s.Buckets = buckets
			b.store.Subscribe(s) // and no poke
			for range 7 {
				b.store.Place()
			}
			b.pass(time.Second)
		}
		b.place(-1)
		b.pass(2 * time.Minute)
		for _, n := range b.store.All() {
			if n.Lease.State != kapivara.Committed {
				t.Errorf("%s is %s", n.Name, n.Lease.State)
			}
		}
		if all, waits := len(b.store.All()), b.store.Pending(); all != len(names) || waits > 0 {
			t.Errorf("%d of %d streams have a delivery, %d wait", all, len(names), waits)
		}
	})
}

// I-19: canary streams go to canary buckets alone, and neither block nor reorder others; their promotion sends what was
// never sent to the normal ones, once.
func TestCanaryStreamsKeepToThemselvesUntilTheyArePromoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.CanaryBuckets = 2 }))
		got := map[kapivara.Stream][]kapivara.Delivery{}
		promoted := false
		b.listen(func(d kapivara.Delivery) { // nobody answers a canary
			got[d.Stream] = append(got[d.Stream], d)
			if !d.Bucket.Canary() {
				b.d.Settle(d.Subscriber, d.Token, ack, nil)
			}
			if d.Canary != d.Bucket.Canary() && !promoted || ruleOf(&d) != d.Bucket {
				t.Errorf("%v over %d buckets is out of place", brief([]kapivara.Delivery{d}), d.Buckets)
			}
		})
		for i := range 20 {
			b.store.Finish(stream(fmt.Sprintf("canary %d", i)), 1, true)
			b.store.Finish(stream(fmt.Sprintf("normal %d", i)), 1, false)
		}
		b.d.Poke(true, false)
		b.pass(time.Second)
		var normal []int64
		for _, n := range b.store.All() {
			if !n.Canary && n.Lease.State == kapivara.Committed {
				normal = append(normal, n.LogPosition)
			}
		}
		if len(normal) != 20 || !slices.IsSorted(normal) {
			t.Fatalf("normal streams were committed at %v, want all 20 in log order", normal)
		}
		sent := map[kapivara.Stream]bool{} // canaries that were sent as such
		for s, all := range got {
			if all[0].Canary {
				sent[s] = true
			}
		}
		if len(sent) == 0 || len(sent) > 2 {
			t.Fatalf("%d canaries are in flight, want at most one for each of two buckets", len(sent))
		}
		promoted = true
		b.resize(1, 0)
		b.place(-1)
		b.pass(10 * time.Second)
		for s, all := range got {
			if !all[0].Canary || sent[s] {
				continue
			}
			if len(all) != 1 || all[0].Bucket != 0 || all[0].Buckets != 1 {
				t.Errorf("%s was promoted as %v, want once, in bucket 0", s, brief(all))
			}
		}
		if streams := len(got); streams != 40 || b.store.Pending() != 0 {
			t.Errorf("%d streams were sent, want 40; %d wait", streams, b.store.Pending())
		}
	})
}
