package dispatcher_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

// A name that is removed and set again is a new subscriber: an operator's verb or replay for the old one, on its way
// meanwhile, changes nothing of the new one. The known wrong way goes by the name: it discards what the new one has, and
// notes a replay that nobody is told of.
func TestAVerbForARemovedSubscriberLeavesTheOneSetAgainAlone(t *testing.T) {
	for _, verb := range []string{"discard", "replay"} {
		t.Run(verb, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, store := startGated(t, billing())
				b.finish("one")
				b.settles(b.one(), ack, kapivara.Committed)
				letGo := store.hold(verb)
				done := make(chan error, 1)
				told := func(_ int, err error) { done <- err }
				if verb == "replay" {
					b.d.Replay("billing", kapivara.Replay{}, told)
				} else {
					b.d.Operate("billing", kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Pending}, told)
				}
				synctest.Wait()
				b.store.Remove("billing")
				b.store.Subscribe(billing())
				b.store.Finish(stream("two"), 1, false)
				letGo()
				if err := <-done; kapivara.CodeOf(err) != kapivara.Unavailable {
					t.Errorf("the request ended with %v, want that it is to be sent again", err)
				}
				b.d.Poke(true, true)
				b.pass(10 * time.Second)
				d := b.one()
				b.settles(d, ack, kapivara.Committed)
				b.pass(time.Minute)
				b.none()
				if n := b.store.Pending(); d.Stream != stream("two") || n > 0 {
					t.Errorf("got %v, and %d wait", brief([]kapivara.Delivery{d}), n)
				}
			})
		})
	}
}
