package dispatcher_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

// I-11: once the process ends nobody hears any more that a sending met nobody, so none begins: it would pass for sent until
// its deadline at the dispatcher after. What is answered is settled all the same.
func TestNothingBeginsOnceTheProcessEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 4 }))
		b.finish("one", "two")
		sent := b.takeSent()
		b.settles(sent[0], kapivara.Answer{Verdict: kapivara.Nak, Delay: time.Second}, kapivara.Hidden)
		b.d.EndSendings(t.Context())
		b.finish("three")
		b.pass(5 * time.Second)
		b.settles(sent[1], ack, kapivara.Committed)
		b.none()
		b.d.Stop()
		b.begin(b.store)
		got := map[kapivara.Stream]int{}
		for _, d := range b.takeSent() {
			got[d.Stream] = d.Attempt
		}
		if len(got) != 2 || got[stream("one")] != 2 || got[stream("three")] != 1 {
			t.Errorf("the next dispatcher sends %v at once, want attempt 2 of one and attempt 1 of three", got)
		}
	})
}

// The same of a probe.
func TestNobodyIsLookedForOnceTheProcessEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.hangUp()
		b.finish("one")
		b.pass(10 * time.Second)
		if sent := b.takeSent(); len(sent) < 5 {
			t.Fatalf("got %v, want a probe a second", brief(sent))
		}
		b.d.EndSendings(t.Context())
		synctest.Wait()
		b.pass(10 * time.Second)
		b.none()
		b.listen(nil)
		b.d.Stop()
		b.begin(b.store)
		b.pass(2 * time.Second)
		b.from(b.one(), "", 1, 1)
	})
}

// What had begun is out when the sendings end, so that it is heard whether it met somebody; and where the dispatcher is not
// at work there is nothing to wait for.
func TestWhatHasBegunIsOutWhenTheSendingsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store := startGated(t, billing())
		b.d.Stop()
		b.begin(slowTurns{store})
		letGo := store.hold("turn")
		b.finish("one")
		b.none()
		ended := make(chan struct{})
		go func() { defer close(ended); b.d.EndSendings(context.Background()) }()
		b.pass(time.Second)
		select {
		case <-ended:
			t.Fatal("the sendings have ended before the delivery was out")
		default:
		}
		letGo()
		<-ended
		b.one()
		b.d.Stop()
		b.d.EndSendings(context.Background())
	})
}
