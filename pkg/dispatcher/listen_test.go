package dispatcher_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

func TestASendingThatMeetsNobodyIsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{}
		b := startOn(t, store, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 5 }))
		b.hangUp()
		b.finish("one", "two", "three")
		b.pass(10 * time.Second)
		writes := store.turns
		b.takeSent()
		b.pass(time.Hour)
		if store.turns != writes {
			t.Errorf("got %d turns in an hour of nobody, want none", store.turns-writes)
		}
		sent := b.takeSent()
		if len(sent) < 3500 || len(sent) > 3700 {
			t.Errorf("got %d probes in an hour, want one a second", len(sent))
		}
		for _, d := range sent {
			if d.Number != 1 || d.Attempt != 1 || d.Token != sent[0].Token {
				t.Fatalf("got %v, want always the same attempt of the first", brief([]kapivara.Delivery{d}))
			}
		}
		if p, _ := b.store.Presence(1); p.Listening == nil || *p.Listening {
			t.Errorf("the store has listening %v, want false", p.Listening)
		}
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		b.pass(2 * time.Second)
		for _, n := range b.store.All() {
			if n.Lease.State != kapivara.Committed || n.Lease.Attempt != 1 {
				t.Errorf("%s is %s at attempt %d, want committed at the first", n.Name, n.Lease.State, n.Lease.Attempt)
			}
		}
		if len(b.store.All()) != 3 {
			t.Errorf("got %d deliveries, want 3", len(b.store.All()))
		}
		if p, _ := b.store.Presence(1); p.Listening == nil || !*p.Listening {
			t.Errorf("the store has listening %v, want true", p.Listening)
		}
	})
}

func TestProbesGrowFurtherApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.hangUp()
		b.finish("one")
		begun := time.Now()
		var at []time.Duration
		for range 400 {
			if len(b.takeSent()) > 0 {
				at = append(at, time.Since(begun))
			}
			b.pass(10 * time.Millisecond)
		}
		if got := fmt.Sprint(at[:6]); got != "[0s 50ms 150ms 350ms 750ms 1.55s]" {
			t.Errorf("probes went out at %s", got)
		}
	})
}

func TestOneThatListensLateGetsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 3 }))
		b.hangUp()
		b.finish("one", "two", "three", "four")
		b.pass(time.Minute)
		b.takeSent()
		b.listen(nil) // takes what comes and is slow to answer
		b.pass(2100 * time.Millisecond)
		if sent := b.takeSent(); len(sent) != 3 {
			t.Errorf("got %v, want the three that max_in_flight allows", brief(sent))
		}
		b.pass(30 * time.Second)
		if n := len(b.takeSent()); n == 0 {
			t.Error("the deadlines do not run since somebody has the deliveries")
		}
	})
}

func TestASubscriberThatListensToSomeBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.Buckets = 4 }))
		b.listen(func(d kapivara.Delivery) {
			if d.Bucket == 0 {
				b.d.Settle(d.Subscriber, d.Token, ack, nil)
			} else {
				b.d.NoResponders(d.Token)
			}
		})
		for i := range 40 {
			b.finish(fmt.Sprint(i))
		}
		b.pass(10 * time.Second)
		for _, n := range b.store.All() {
			if want := map[bool]kapivara.State{true: kapivara.Committed, false: kapivara.Leased}[n.Due.Bucket == 0]; n.Lease.State != want {
				t.Errorf("%s of bucket %s is %s, want %s", n.Name, n.Due.Bucket, n.Lease.State, want)
			}
			if n.Lease.Attempt != 1 {
				t.Errorf("%s is at attempt %d, want 1", n.Name, n.Lease.Attempt)
			}
		}
	})
}

// TestWhatWaitedForAListenerComesInOrder is I-14: the answer to the probe frees a place, which the turn that settles it
// leases at once; what had met nobody goes before that.
func TestWhatWaitedForAListenerComesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 3 }))
		b.hangUp()
		b.finish("one", "two", "three", "four", "five", "six")
		b.pass(time.Minute)
		b.takeSent()
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		b.pass(2 * time.Second)
		for i, d := range b.takeSent() {
			if d.Number != int64(i+1) {
				t.Fatalf("got %d as number %d, want each bucket's numbers in order", d.Number, i+1)
			}
		}
	})
}
