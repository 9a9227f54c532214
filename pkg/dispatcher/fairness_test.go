package dispatcher_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

func TestRetriesThatAreAlwaysDueLetOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxAttempts = 0 }))
		poison := map[kapivara.Stream]bool{stream("bad"): true, stream("worse"): true}
		b.listen(func(d kapivara.Delivery) {
			a := ack
			if poison[d.Stream] {
				a = kapivara.Answer{Verdict: kapivara.Nak} // again at once
			}
			time.AfterFunc(10*time.Millisecond, func() { b.d.Settle(d.Subscriber, d.Token, a, nil) })
		})
		b.finish("bad", "worse", "one", "two", "three")
		b.pass(time.Second)
		for _, n := range b.store.All() {
			if !poison[n.Name] && n.Lease.State != kapivara.Committed {
				t.Errorf("%s is %s, want committed", n.Name, n.Lease.State)
			}
		}
		if n := len(b.store.All()); n != 5 {
			t.Errorf("got %d deliveries, want 5", n)
		}
		if sent := b.takeSent(); !poison[sent[len(sent)-1].Stream] {
			t.Error("the poison is sent no more")
		}
	})
}
