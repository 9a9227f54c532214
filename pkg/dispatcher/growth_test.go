package dispatcher_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
)

func appended(s *kapivara.Subscriber) { s.Deliver = kapivara.DeliverAppended }

// grow stores positions of a stream by one request and lets the dispatcher know.
func (b *bench) grow(name string, positions ...int) {
	b.store.Append(stream(name), false, 0, positions...)
	b.d.Poke(true, false)
	synctest.Wait()
}

// stretch gives the one delivery that was sent, and holds it to its stream and stretch.
func (b *bench) stretch(name string, from, to int) kapivara.Delivery {
	b.t.Helper()
	d := b.one()
	if d.Stream != stream(name) || d.Cause != kapivara.CauseAppended || d.From != from || d.To != to || len(d.Events) != to-from+1 || d.Events[0].Position != from {
		b.t.Fatalf("got %v %s %d to %d with %d events, want %s %d to %d", brief([]kapivara.Delivery{d}), d.Cause, d.From, d.To, len(d.Events), name, from, to)
	}
	return d
}

// I-12: events that arrive in reverse come once the first one is there, as one delivery. The known wrong way is one for
// each, as they arrive.
func TestEventsInReverseComeAsOneStretch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(appended))
		for p := 5; p > 1; p-- {
			b.grow("one", p)
			b.none()
		}
		b.grow("one", 1)
		d := b.stretch("one", 1, 5)
		if d.Version != 5 || d.Finish != 0 || d.Complete {
			t.Errorf("got version %d, finish %d, complete %v of an open stream", d.Version, d.Finish, d.Complete)
		}
		b.settles(d, ack, kapivara.Committed)
		b.grow("one", 7, 6)
		b.settles(b.stretch("one", 6, 7), ack, kapivara.Committed)
		b.pass(time.Hour)
		b.none()
	})
}

// I-14: what grows while a delivery is unsettled waits for it and is joined, also while that one is hidden, and takes no
// place from other streams, however often the stream grows.
func TestAnUnsettledDeliveryHoldsBackItsStreamAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(appended))
		b.grow("one", 1)
		first := b.stretch("one", 1, 1)
		for p := 2; p <= 200; p++ { // far more than a queue takes
			b.grow("one", p)
		}
		b.grow("two", 1)
		b.none() // max_in_flight is 1
		b.settles(first, kapivara.Answer{Verdict: kapivara.Nak, Delay: time.Hour}, kapivara.Hidden)
		b.settles(b.stretch("two", 1, 1), ack, kapivara.Committed)
		for i := range 50 {
			b.grow(fmt.Sprint("more-", i), 1)
			b.settles(b.stretch(fmt.Sprint("more-", i), 1, 1), ack, kapivara.Committed)
		}
		b.pass(time.Hour)
		again := b.stretch("one", 1, 1)
		if again.Attempt != 2 || again.Number != first.Number {
			t.Errorf("got %v, want attempt 2 of the first", brief([]kapivara.Delivery{again}))
		}
		b.settles(again, ack, kapivara.Committed)
		b.settles(b.stretch("one", 2, 200), ack, kapivara.Committed)
		b.pass(time.Hour)
		b.none()
		if n := b.store.Pending(); n > 0 {
			t.Errorf("%d growths still wait", n)
		}
	})
}

// A parked stretch is not skipped: the rest of its stream comes after it, as soon as a late answer has settled it, also by
// another dispatcher. The known wrong way moves on past it.
func TestAParkedStretchIsNotSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(appended, func(s *kapivara.Subscriber) { s.MaxAttempts, s.MaxInFlight = 1, 2 }))
		b.grow("two", 1)
		b.settles(b.stretch("two", 1, 1), ack, kapivara.Committed) // somebody is there
		b.grow("one", 1)
		first := b.stretch("one", 1, 1)
		b.pass(time.Second)
		b.grow("two", 2)
		b.settles(b.stretch("two", 2, 2), ack, kapivara.Committed)
		b.pass(30 * time.Second)
		if l := b.state(first); l.State != kapivara.Parked {
			t.Fatalf("after its silence the first is %s, want parked", l.State)
		}
		b.grow("one", 2)
		b.grow("one", 3)
		b.grow("two", 3)
		b.settles(b.stretch("two", 3, 3), ack, kapivara.Committed)
		b.d.Stop() // the next one knows of it only from the store
		b.begin(b.store)
		b.pass(time.Hour)
		b.none()
		b.settles(first, ack, kapivara.Committed)
		b.settles(b.stretch("one", 2, 3), ack, kapivara.Committed)
		b.pass(time.Hour)
		b.none()
	})
}

// After a switch to complete a stream that completes comes whole, behind what was due by its growth.
func TestAfterASwitchAStreamThatCompletesComesWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(appended))
		b.grow("one", 1)
		first := b.stretch("one", 1, 1)
		b.grow("one", 2)
		b.store.Subscribe(billing())
		b.d.Poke(false, true)
		b.grow("one", 3) // due to nobody
		b.store.Append(stream("one"), false, 4, 4)
		b.d.Poke(true, false)
		synctest.Wait()
		b.none()
		b.settles(first, ack, kapivara.Committed)
		b.settles(b.stretch("one", 2, 4), ack, kapivara.Committed)
		whole := b.one()
		if whole.Cause != kapivara.CauseComplete || whole.From != 1 || whole.To != 4 || !whole.Complete {
			t.Errorf("got %s %d to %d, want the whole stream", whole.Cause, whole.From, whole.To)
		}
		b.settles(whole, ack, kapivara.Committed)
		b.store.Subscribe(billing(appended))
		b.d.Poke(false, true)
		b.grow("two", 1)
		b.settles(b.stretch("two", 1, 1), ack, kapivara.Committed)
		b.pass(time.Hour)
		b.none()
	})
}

// leftover is a store in which a growth is left although a delivery holds it.
type leftover struct {
	counted
	left    kapivara.Waiting
	dropped []kapivara.Due
}

func (l *leftover) Look(
	ctx context.Context, lanes []kapivara.LaneQuery, after kapivara.DueMark, limit int,
) (*kapivara.Look, error) {
	look, err := l.Dispatch.Look(ctx, lanes, after, limit)
	for i, q := range lanes {
		if len(q.Freed) > 0 && l.left.Delivered > 0 && len(l.dropped) == 0 {
			look.Lanes[i].Freed = append(look.Lanes[i].Freed, l.left)
		}
		for _, w := range look.Lanes[i].Freed {
			if l.left.Delivered == 0 {
				l.left = w
				l.left.Delivered = w.Contiguous
			}
		}
	}
	return look, err
}

func (l *leftover) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	l.dropped = append(l.dropped, turn.Drops...)
	return l.counted.Turn(ctx, turn)
}

// A growth that deliveries hold already is taken away without one.
func TestAGrowthThatWasDeliveredIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &leftover{counted: counted{Dispatch: memory.NewDispatch(time.Now)}}
		store.Subscribe(billing(appended))
		b := &bench{t: t, store: store.Dispatch}
		b.begin(store)
		b.grow("one", 1)
		b.settles(b.stretch("one", 1, 1), ack, kapivara.Committed)
		b.pass(10 * time.Second)
		b.none()
		if len(store.dropped) != 1 || store.dropped[0] != store.left.Due {
			t.Errorf("dropped are %+v, want %+v", store.dropped, store.left.Due)
		}
		b.grow("one", 2)
		b.stretch("one", 2, 2)
	})
}
