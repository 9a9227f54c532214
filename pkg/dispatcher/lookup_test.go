package dispatcher_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
)

// startForgetful is startOn for a dispatcher that keeps one hidden delivery in memory.
func startForgetful(t *testing.T, change func(*kapivara.Subscriber)) (*counted, *bench) {
	t.Helper()
	store := &counted{Dispatch: memory.NewDispatch(time.Now)}
	store.Subscribe(billing(change))
	b := &bench{t: t, store: store.Dispatch}
	b.d = dispatcher.New(store, b, dispatcher.Config{Hidden: 1}, slog.New(slog.DiscardHandler))
	if err := b.d.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.d.Stop)
	synctest.Wait()
	return store, b
}

// Of what is hidden only some is in memory, and more is read from the store when that is used up. What is read while a
// turn settles one of the others is out of date, and must not bring it back.
func TestWhatIsSettledWhileTheHiddenAreReadStaysSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, b := startForgetful(t, func(s *kapivara.Subscriber) {
			s.MaxInFlight, s.AckWait, s.Backoff = 3, time.Second, []time.Duration{time.Hour}
		})
		b.finish("one", "two", "three")
		b.pass(5 * time.Second)
		sent := b.takeSent()
		if len(sent) != 3 {
			t.Fatalf("got %v, want three", brief(sent))
		}
		for _, d := range sent {
			if l := b.state(d); l.State != kapivara.Hidden {
				t.Fatalf("a silent one is %s, want hidden", l.State)
			}
		}
		store.set(func() error { time.Sleep(500 * time.Millisecond); return nil }, nil)
		for _, d := range sent {
			a := term
			if d.Number == 1 {
				a = ack
			}
			b.d.Settle(d.Subscriber, d.Token, a, nil)
		}
		b.pass(5 * time.Second)
		store.set(nil, nil)
		for _, d := range sent[1:] {
			b.stale(d, ack)
			b.stale(d, nak)
			if l := b.state(d); l.State != kapivara.Parked {
				t.Errorf("%v is %s, want parked as was answered first", brief([]kapivara.Delivery{d}), l.State)
			}
		}
	})
}

// The test would never end: time stands still in the bubble while the desk asks.
func TestTheHiddenAreNotAskedForAgainAndAgainWhileATurnTakesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, b := startForgetful(t, func(*kapivara.Subscriber) {})
		b.finish("one", "two")
		b.settles(b.one(), nak, kapivara.Hidden)
		b.settles(b.one(), nak, kapivara.Hidden)
		store.set(func() error { time.Sleep(500 * time.Millisecond); return nil }, nil)
		b.pass(5 * time.Second)
		if d := b.one(); d.Number != 1 || d.Attempt != 2 {
			t.Errorf("got %v, want attempt 2 of the first", brief([]kapivara.Delivery{d}))
		}
	})
}
