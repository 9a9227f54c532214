package dispatcher_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
)

// measured is a store that notes how much one turn settles, and whose look-ups wait where the test says so.
type measured struct {
	*memory.Dispatch
	mu    sync.Mutex
	most  int
	asked chan struct{} // nil: no waiting
}

func (m *measured) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	m.mu.Lock()
	m.most = max(m.most, len(turn.Settlements)+len(turn.Commits))
	m.mu.Unlock()
	return m.Dispatch.Turn(ctx, turn)
}

func (m *measured) Deliveries(ctx context.Context, refs []kapivara.Ref) ([]kapivara.Numbered, error) {
	if m.asked != nil {
		<-m.asked
	}
	return m.Dispatch.Deliveries(ctx, refs)
}

func TestASilenceOfManyIsSettledInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &measured{Dispatch: memory.NewDispatch(time.Now)}
		store.Subscribe(billing(func(s *kapivara.Subscriber) { s.Buckets, s.MaxInFlight = 6, 1000 }))
		b := &bench{t: t, store: store.Dispatch}
		b.begin(store)
		b.listen(nil)
		for i := range 5000 {
			store.Finish(stream(fmt.Sprint(i)), 1, false)
		}
		b.finish("last")
		b.pass(time.Second)
		if n := len(b.takeSent()); n < 4900 {
			t.Fatalf("got %d sendings, want nearly all", n)
		}
		b.pass(29500 * time.Millisecond)
		hidden := 0
		for _, n := range b.store.All() {
			if n.Lease.State == kapivara.Hidden {
				hidden++
			}
		}
		if hidden < 4900 || store.most > 4000 {
			t.Errorf("%d are hidden, at most %d by one turn; want nearly all, at most 4000 by one", hidden, store.most)
		}
	})
}

func TestAnswersThatAreLookedUpAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &measured{Dispatch: memory.NewDispatch(time.Now)}
		store.Subscribe(billing())
		b := &bench{t: t, store: store.Dispatch}
		b.d = dispatcher.New(store, b, dispatcher.Config{Inbox: 100}, slog.New(slog.DiscardHandler))
		if err := b.d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.d.Stop)
		b.finish("one")
		d := b.one()
		b.settles(d, ack, kapivara.Committed)
		store.asked = make(chan struct{})
		waiting, busy := 0, 0
		for range 1000 {
			waiting++
			b.d.Settle(d.Subscriber, d.Token, ack, func(_ kapivara.Settled, err error) {
				waiting--
				var refusal *kapivara.Error
				if errors.As(err, &refusal) && refusal.Code == kapivara.Busy {
					busy++
				}
			})
			synctest.Wait()
		}
		if waiting > 300 || busy != 1000-waiting {
			t.Errorf("%d answers wait and %d were refused as busy, want a few hundred to wait and all others to be refused", waiting, busy)
		}
		close(store.asked)
		synctest.Wait()
		if waiting != 0 {
			t.Errorf("%d answers were never confirmed", waiting)
		}
	})
}
