package dispatcher_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

func TestARemovedSubscriberGetsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one", "two")
		d := b.one()
		b.store.Remove("billing")
		b.d.Poke(false, true)
		synctest.Wait()
		if _, err := b.answer(d, ack); !errors.Is(err, kapivara.ErrOffDuty) {
			t.Errorf("got error %v to an answer of a subscriber that is no more, want that nobody works for it", err)
		}
		b.pass(time.Hour)
		b.none()
		b.store.Subscribe(billing())
		b.d.Poke(false, true)
		b.finish("three")
		if d := b.one(); d.Number != 2 || d.Stream != stream("three") {
			t.Errorf("got %v, want the numbers to go on", brief([]kapivara.Delivery{d}))
		}
		b.stale(d, ack)
	})
}

func TestARemovalBetweenLookAndTurnIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{}
		b := startOn(t, store, billing())
		b.finish("one", "two")
		d := b.one()
		store.set(func() error { b.store.Remove("billing"); return nil }, nil)
		if _, err := b.answer(d, ack); err == nil {
			t.Error("a commit is confirmed that was not done")
		}
		store.set(nil, nil)
		b.pass(time.Minute)
		b.none()
	})
}

func TestASubscriberSetLaterIsServedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t)
		b.store.Subscribe(billing())
		b.d.Poke(false, true)
		b.finish("one")
		b.settles(b.one(), ack, kapivara.Committed)
	})
}

func TestALostPokeIsMadeGoodByThePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.store.Finish(stream("one"), 1, false)
		b.pass(time.Second)
		b.settles(b.one(), ack, kapivara.Committed)
		b.store.Subscribe(kapivara.NewSubscriber("shipping"))
		b.store.Finish(stream("two"), 1, false)
		b.pass(1100 * time.Millisecond)
		if sent := b.takeSent(); len(sent) != 2 {
			t.Errorf("got %v, want one for each subscriber", brief(sent))
		}
	})
}

func TestTenThousandBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []kapivara.Subscriber
		for i := range 10 {
			s := kapivara.NewSubscriber(fmt.Sprintf("s%d", i))
			s.Buckets = kapivara.MaxBuckets
			all = append(all, s)
		}
		b := start(t, all...)
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		for i := range 20 {
			b.store.Finish(stream(fmt.Sprint(i)), 1, false)
		}
		b.d.Poke(true, false)
		b.pass(5 * time.Second)
		if sent := b.takeSent(); len(sent) != 200 {
			t.Errorf("got %d sendings, want 20 for each of 10", len(sent))
		}
	})
}
