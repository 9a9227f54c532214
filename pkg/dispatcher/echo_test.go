package dispatcher_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
)

// word is what NATS says of sendings, in order, and at once where it is not kept back.
type word struct {
	mu   sync.Mutex
	line int64
	kept bool
	said []func()
}

func (w *word) say(f func()) {
	w.mu.Lock()
	kept := w.kept
	if kept {
		w.said = append(w.said, f)
	}
	w.mu.Unlock()
	if !kept {
		f()
	}
}

// keep keeps all back until it is let go.
func (w *word) keep() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = true
}

func (w *word) letGo() {
	w.mu.Lock()
	said := w.said
	w.kept, w.said = false, nil
	w.mu.Unlock()
	for _, f := range said {
		f()
	}
}

// lose loses all that was kept back but the echoes, and says nothing more on the line.
func (w *word) lose() {
	w.mu.Lock()
	w.line++
	w.mu.Unlock()
	w.letGo()
}

func (b *bench) Line() int64 {
	b.word.mu.Lock()
	defer b.word.mu.Unlock()
	return b.word.line
}

func (b *bench) Echo(line int64, heard func(bool)) {
	b.word.say(func() { heard(line == b.Line()) })
}

func (a *teammate) Line() int64                    { return 0 }
func (a *teammate) Echo(_ int64, heard func(bool)) { heard(!a.isDead()) }

// TestTheWordThatNobodyListensMayComeAsLateAsItWill is I-14: on a machine that is too busy it comes after any time that a
// dispatcher might wait for it, and what was then sent after it would be there before it.
func TestTheWordThatNobodyListensMayComeAsLateAsItWill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 3 }))
		b.hangUp()
		b.word.keep()
		b.finish("one", "two", "three", "four")
		if d := b.one(); d.Number != 1 {
			t.Fatalf("got %v, want the first", brief([]kapivara.Delivery{d}))
		}
		b.pass(20 * time.Second)
		b.none()
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		b.word.letGo()
		b.pass(2 * time.Second)
		sent := b.takeSent()
		for i, d := range sent {
			if d.Number != int64(i+1) || d.Attempt != 1 {
				t.Fatalf("got %v, want the four in order", brief(sent))
			}
		}
		if len(sent) != 4 {
			t.Fatalf("got %v, want the four in order", brief(sent))
		}
	})
}

// TestThatSomebodyListensIsKnownAtOnce: no time is waited in which it might be said that nobody does.
func TestThatSomebodyListensIsKnownAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 3 }))
		begun := time.Now()
		b.finish("one", "two", "three", "four") // to a node that is slow to answer
		if sent := b.takeSent(); len(sent) != 3 || time.Since(begun) > 0 {
			t.Errorf("got %v after %v, want three at once", brief(sent), time.Since(begun))
		}
		if p, _ := b.store.Presence(1); p.Listening == nil || !*p.Listening {
			t.Errorf("the store has listening %v, want true", p.Listening)
		}
	})
}

// TestAWordThatMayBeLostSaysNothing is I-14 and I-15: where the connection was lost on which it would have come, nothing
// overtakes the sending, which is made again as the same attempt.
func TestAWordThatMayBeLostSaysNothing(t *testing.T) {
	for _, listens := range []bool{true, false} {
		t.Run(fmt.Sprintf("somebody listens %v", listens), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 3 }))
				b.word.keep()
				b.finish("one", "two", "three", "four")
				first := b.one()
				if !listens {
					b.hangUp()
				}
				b.word.lose()
				b.pass(10 * time.Second)
				sent := b.takeSent()
				if len(sent) == 0 || sent[0].Token != first.Token {
					t.Fatalf("got %v, want the first again, as the same attempt", brief(sent))
				}
				b.listen(nil)
				b.pass(2 * time.Second)
				sent = append(sent, b.takeSent()...)
				last := int64(1)
				for _, d := range sent {
					if d.Number < last || d.Number > last+1 || d.Attempt != 1 {
						t.Fatalf("got %v, want the first three in order", brief(sent))
					}
					last = d.Number
				}
				if last != 3 {
					t.Fatalf("got %v, want the first three in order", brief(sent))
				}
			})
		})
	}
}

// hooked is a store that a test can hold on to.
type hooked struct {
	*memory.Dispatch
	mu     sync.Mutex
	refuse bool   // the next turn
	read   func() // the next reading of buckets
}

func (h *hooked) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	h.mu.Lock()
	refuse := h.refuse
	h.refuse = false
	h.mu.Unlock()
	if refuse {
		return time.Time{}, kapivara.Refuse(kapivara.OutcomeUnknown, "lost")
	}
	return h.Dispatch.Turn(ctx, turn)
}

func (h *hooked) Buckets(ctx context.Context, subscribers []string) ([]kapivara.BucketRow, []kapivara.Numbered, error) {
	h.mu.Lock()
	read := h.read
	h.read = nil
	h.mu.Unlock()
	if read != nil {
		read()
	}
	return h.Dispatch.Buckets(ctx, subscribers)
}

// TestAWordThatComesWhileAllIsReadAnewIsNotForgotten: the sending that met nobody would pass for one that somebody has,
// until its deadline, and would count as an attempt (protocol 7, push).
func TestAWordThatComesWhileAllIsReadAnewIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hooked{Dispatch: memory.NewDispatch(time.Now)}
		store.Subscribe(billing())
		shipping := billing()
		shipping.Name, shipping.No = "shipping", 0
		store.Subscribe(shipping)
		b := &bench{t: t, store: store.Dispatch}
		b.begin(store)
		b.hangUp()
		b.word.keep()
		b.finish("one")
		sent := b.takeSent()
		if len(sent) != 2 {
			t.Fatalf("got %v, want one to each subscriber", brief(sent))
		}
		store.mu.Lock()
		store.refuse, store.read = true, func() { b.word.letGo(); time.Sleep(time.Millisecond) } // the bubble's time
		store.mu.Unlock()
		answered := sent[0]
		b.d.Settle(answered.Subscriber, answered.Token, ack, func(_ kapivara.Settled, err error) { // whose turn is lost
			if codeOf(err) != kapivara.OutcomeUnknown {
				t.Errorf("got error %v, want outcome_unknown", err)
			}
		})
		b.pass(500 * time.Millisecond)
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		b.takeSent()
		b.pass(3 * time.Second)
		for _, n := range store.All() {
			if n.Lease.State != kapivara.Committed || n.Lease.Attempt != 1 {
				t.Errorf("%s is %s at attempt %d, want committed at the first", n.Name, n.Lease.State, n.Lease.Attempt)
			}
		}
	})
}
