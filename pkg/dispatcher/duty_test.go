package dispatcher_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
)

// counted is a store that counts its turns and fails where the test says so.
type counted struct {
	*memory.Dispatch
	mu    sync.Mutex
	turns int
	// before and after are called around a turn, and fail it where they give an error: then it was not done, or nobody
	// knows.
	before, after func() error
}

func (c *counted) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	c.mu.Lock()
	c.turns++
	before, after := c.before, c.after
	c.mu.Unlock()
	if before != nil {
		if err := before(); err != nil {
			return time.Time{}, err
		}
	}
	now, err := c.Dispatch.Turn(ctx, turn)
	if err == nil && after != nil {
		err = after()
	}
	return now, err
}

func (c *counted) set(before, after func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before, c.after = before, after
}

func startOn(t *testing.T, store *counted, subscribers ...kapivara.Subscriber) *bench {
	t.Helper()
	store.Dispatch = memory.NewDispatch(time.Now)
	b := &bench{t: t, store: store.Dispatch}
	for _, s := range subscribers {
		store.Subscribe(s)
	}
	b.begin(store)
	return b
}

func TestAnotherDispatcherTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one", "two")
		d := b.one()
		first := b.d
		second := &bench{t: t, store: b.store}
		second.begin(b.store)
		second.pass(10 * time.Second)
		second.none() // it waits
		first.Stop()
		second.pass(600 * time.Millisecond)
		second.none() // the lease is still good
		second.settles(d, ack, kapivara.Committed)
		if next := second.one(); next.Number != 2 {
			t.Errorf("got %v from the second dispatcher, want number 2", brief([]kapivara.Delivery{next}))
		}
	})
}

func TestAFrozenDispatcherLosesItsDuty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &frozen{Dispatch: memory.NewDispatch(time.Now)}
		store.Subscribe(billing())
		b := &bench{t: t, store: store.Dispatch}
		b.begin(store)
		b.finish("one")
		d := b.one()
		store.freeze()
		second := &bench{t: t, store: b.store}
		second.begin(b.store)
		second.pass(3 * time.Second)
		second.settles(d, nak, kapivara.Hidden)
		store.thaw()
		synctest.Wait()
		if _, err := b.answer(d, ack); err == nil {
			t.Error("the first dispatcher confirms what the second has settled otherwise")
		}
		second.pass(time.Minute)
		if again := second.takeSent(); len(again) == 0 || again[0].Attempt != 2 {
			t.Errorf("got %v from the second, want attempt 2", brief(again))
		}
		b.none()
	})
}

// frozen is a store that one dispatcher cannot reach for a while.
type frozen struct {
	*memory.Dispatch
	mu  sync.Mutex
	ice chan struct{}
}

func (f *frozen) freeze() { f.mu.Lock(); f.ice = make(chan struct{}); f.mu.Unlock() }
func (f *frozen) thaw()   { f.mu.Lock(); close(f.ice); f.ice = nil; f.mu.Unlock() }

func (f *frozen) wait() {
	f.mu.Lock()
	ice := f.ice
	f.mu.Unlock()
	if ice != nil {
		<-ice
	}
}

func (f *frozen) Keep(ctx context.Context, run int32, ttl time.Duration) (time.Time, error) {
	f.wait()
	return f.Dispatch.Keep(ctx, run, ttl)
}

func (f *frozen) Survey(ctx context.Context, run int32, most int) (*kapivara.Survey, error) {
	f.wait()
	return f.Dispatch.Survey(ctx, run, most)
}

func (f *frozen) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	f.wait()
	return f.Dispatch.Turn(ctx, turn)
}

func TestAnUnknownOutcomeIsConfirmedByNobodyAndTheRepeatTells(t *testing.T) {
	for name, done := range map[string]bool{"the turn was done": true, "the turn was not done": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &counted{}
				b := startOn(t, store, billing())
				b.finish("one", "two")
				d := b.one()
				lost := func() error { return kapivara.Refuse(kapivara.OutcomeUnknown, "lost") }
				if done {
					store.set(nil, lost)
				} else {
					store.set(lost, nil)
				}
				if _, err := b.answer(d, ack); codeOf(err) != kapivara.OutcomeUnknown {
					t.Errorf("got error %v, want outcome_unknown", err)
				}
				store.set(nil, nil)
				b.pass(100 * time.Millisecond)
				b.settles(d, ack, kapivara.Committed)
				b.pass(31 * time.Second)
				for _, s := range b.takeSent() {
					if s.Number == 1 {
						t.Errorf("the committed delivery was sent again: %v", brief([]kapivara.Delivery{s}))
					}
				}
			})
		})
	}
}

func TestAPlainAnswerOutlivesALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{}
		b := startOn(t, store, billing())
		b.finish("one")
		d := b.one()
		store.set(func() error { return kapivara.Refuse(kapivara.Unavailable, "away") }, nil)
		b.d.Settle(d.Subscriber, d.Token, ack, nil)
		b.pass(5 * time.Second)
		if _, err := b.answer(d, ack); codeOf(err) != kapivara.Unavailable {
			t.Errorf("got error %v while the store is away, want unavailable", err)
		}
		store.set(nil, nil)
		b.pass(2 * time.Second)
		if l := b.state(d); l.State != kapivara.Committed {
			t.Errorf("the delivery is %s, want committed", l.State)
		}
	})
}

func TestStopConfirmsWhatHasComeIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{}
		b := startOn(t, store, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 2 }))
		b.finish("one", "two", "three")
		first := b.takeSent()[0]
		gate := make(chan struct{})
		store.set(func() error { <-gate; return nil }, nil)
		confirmed := make(chan error, 2)
		settle := func(d kapivara.Delivery) {
			b.d.Settle(d.Subscriber, d.Token, ack, func(_ kapivara.Settled, err error) { confirmed <- err })
		}
		settle(first)
		synctest.Wait() // the turn is on its way
		settle(first)   // and this one waits for it
		go b.d.Stop()
		synctest.Wait()
		close(gate)
		b.d.Stop()
		for range 2 {
			if err := <-confirmed; err != nil {
				t.Errorf("got error %v, want a confirmation", err)
			}
		}
		if s, err := b.store.Survey(t.Context(), 99, 9); err != nil || len(s.Living) != 0 || len(s.Free) != 1 {
			t.Errorf("the duty was not given up: %+v, %v", s, err)
		}
	})
}

func TestStopAndStartAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewDispatch(time.Now)
		d := dispatcher.New(store, &bench{t: t}, dispatcher.Config{}, slog.New(slog.DiscardHandler))
		d.Stop()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				for range 50 {
					if err := d.Start(t.Context()); err != nil {
						t.Error(err)
					}
					d.Stop()
				}
			})
		}
		all.Wait()
		d.Stop()
	})
}

func TestWrongSettingsAreAllReported(t *testing.T) {
	err := dispatcher.Config{TTL: -1, Body: -1}.Validate()
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) != 2 {
		t.Errorf("got %v, want two faults", err)
	}
}

func TestADispatcherThatMayHaveLostItsDutyRefusesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &frozen{Dispatch: memory.NewDispatch(time.Now)}
		store.Subscribe(billing())
		b := &bench{t: t, store: store.Dispatch}
		b.begin(store)
		b.finish("one")
		d := b.one()
		b.pass(time.Second)
		store.freeze()
		second := &bench{t: t, store: b.store}
		second.begin(b.store)
		second.pass(3 * time.Second)
		second.settles(d, nak, kapivara.Hidden)
		second.pass(time.Second)
		if d = second.one(); d.Attempt != 2 {
			t.Fatalf("got %v, want attempt 2", brief([]kapivara.Delivery{d}))
		}
		told := make(chan error, 1)
		b.d.Settle(d.Subscriber, d.Token, ack, func(_ kapivara.Settled, err error) { told <- err })
		synctest.Wait()
		store.thaw()
		second.settles(d, ack, kapivara.Committed)
		b.pass(10 * time.Second)
		if err := <-told; !errors.Is(err, kapivara.ErrOffDuty) {
			t.Errorf("the first dispatcher answers %v to the attempt of the second, want that it is off duty", err)
		}
	})
}
