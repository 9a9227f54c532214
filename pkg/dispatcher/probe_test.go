package dispatcher_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
)

// sayKept says what was kept back, and keeps back what comes then.
func (w *word) sayKept() {
	w.mu.Lock()
	said := w.said
	w.said = nil
	w.mu.Unlock()
	for _, f := range said {
		f()
	}
}

// I-14: what met nobody is tried ever more seldom, also where it has waited for its bucket to go to a node that has given up
// meanwhile. The known wrong way tries it again as soon as it hears that nobody listens, without end and without any time
// passing.
func TestWhatHasWaitedForAMoveIsTriedNoMoreOftenThanAnythingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight, s.AckWait = 2, time.Minute }))
		b.finish("heard of")
		b.settles(b.one(), ack, kapivara.Committed)
		b.hangUp()
		b.finish("one", "two") // both meet nobody
		b.takeSent()
		b.listen(nil)
		b.word.keep()
		b.pass(60 * time.Millisecond)
		first := b.one() // somebody has it, which is not known yet
		b.claimsLater("n1")
		b.word.letGo() // the other one waits until the first is answered and n1 has the bucket
		synctest.Wait()
		b.none()
		b.hangUp()
		b.word.keep()
		b.releases("n1") // so there is nothing to wait for
		b.pass(60 * time.Millisecond)
		if d := b.one(); d.Number == first.Number {
			t.Fatalf("got %v, want the other one", brief([]kapivara.Delivery{d}))
		}
		for range 5 {
			b.word.sayKept() // that nobody listens
			synctest.Wait()
			b.none()
			b.pass(2 * time.Second)
			b.one()
		}
	})
}

// claimsLater claims all buckets, which is confirmed some time.
func (b *bench) claimsLater(node string) {
	b.d.Claim("billing", kapivara.ClaimRequest{Node: node, TTL: time.Minute}, func([]kapivara.Claimed, error) {})
	synctest.Wait()
}

// slowBus waits with some sendings until they are let go.
type slowBus struct {
	*bench
	gates map[kapivara.Stream]chan struct{} // by what is sent; its first sending after the gate was set waits
}

func (s *slowBus) Send(d *kapivara.Delivery) error {
	s.mu.Lock()
	gate := s.gates[d.Stream]
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return s.bench.Send(d)
}

func (s *slowBus) hold(of kapivara.Stream) (letGo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gate := make(chan struct{})
	s.gates[of] = gate
	return func() {
		close(gate)
		synctest.Wait()
	}
}

// I-14: where much is sent together, a delivery may be sent once more before it is known that all is out. That nothing was
// heard of the first sending since tells nothing of the second. The known wrong way takes it for a sign that somebody
// listens, and sends what is to wait for that.
func TestAnEarlierSendingTellsNothingOfTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &slowBus{
			bench: &bench{t: t, store: memory.NewDispatch(time.Now)}, gates: map[kapivara.Stream]chan struct{}{},
		}
		b.store.Subscribe(billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 2 }))
		b.d = dispatcher.New(b.store, b, dispatcher.Config{}, slog.New(slog.NewTextHandler(t.Output(), nil)))
		if err := b.d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer b.d.Stop()
		synctest.Wait()
		b.finish("heard of")
		b.settles(b.one(), ack, kapivara.Committed)
		b.hangUp()
		second := b.hold(stream("two"))
		b.finish("one", "two")
		probe := b.hold(stream("one"))
		b.pass(60 * time.Millisecond) // a probe is to go out behind the two
		second()
		probe()
		if sent := b.takeSent(); len(sent) != 3 || sent[0].Number != 2 || sent[1].Number != 3 || sent[2].Number != 2 {
			t.Errorf("got %v, want numbers 2 and 3, and 2 once more", brief(sent))
		}
	})
}
