package dispatcher_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

func TestWhatWasLeasedAndNeverSentIsSentWhenTheStoreIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{}
		b := startOn(t, store, billing(func(s *kapivara.Subscriber) { s.MaxInFlight, s.MaxAttempts = 2, 1 }))
		b.finish("one")
		first := b.one()
		b.pass(time.Second)
		store.set(nil, func() error { return kapivara.Refuse(kapivara.OutcomeUnknown, "lost") })
		b.finish("two")
		store.set(nil, nil)
		b.pass(2 * time.Second)
		if d := b.one(); d.Number != 2 || d.Attempt != 1 {
			t.Errorf("got %v, want the first attempt of the second", brief([]kapivara.Delivery{d}))
		}
		b.settles(first, ack, kapivara.Committed)
	})
}
