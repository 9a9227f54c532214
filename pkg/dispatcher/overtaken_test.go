package dispatcher_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

// slowTurns is a gated store whose turns wait too, before they are done.
type slowTurns struct{ *gated }

func (s slowTurns) Turn(ctx context.Context, t *kapivara.Turn) (time.Time, error) {
	s.wait("turn")
	return s.gated.Turn(ctx, t)
}

// overtake has the buckets changed, and what waits placed and read, while the turn that leases it is on its way. The store
// then refuses that turn.
func (b *bench) overtake(store *gated, s kapivara.Subscriber, lease func()) {
	b.t.Helper()
	b.d.Stop()
	b.begin(slowTurns{store})
	b.pass(time.Second)
	letGo := store.hold("turn")
	lease()
	synctest.Wait()
	b.none()
	b.store.Subscribe(s)
	for b.store.Place() {
	}
	b.d.Poke(true, true)
	b.pass(10 * time.Millisecond)
	b.none()
	letGo()
	b.pass(10 * time.Second)
}

// I-11, I-17: a growth whose lease was refused, since the numbers of buckets have changed meanwhile, is leased in the bucket
// into which it was moved. The known wrong way takes the refused lease for what holds it back, for ever.
func TestAGrowthIsLeasedWhereItWasMovedWhileItsLeaseWasRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store := startGated(t, billing(appended, buckets(4)))
		b.overtake(store, billing(appended), func() { b.grow("one", 1) })
		if d := b.stretch("one", 1, 1); d.Bucket != 0 || d.Number != 1 {
			t.Errorf("got %v, want it as number 1 of bucket 0", brief([]kapivara.Delivery{d}))
		}
	})
}

// I-11: the same of what is to be sent again.
func TestAReplayIsLeasedWhereItWasMovedWhileItsLeaseWasRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store := startGated(t, billing(buckets(4)))
		b.finish("one")
		b.settles(b.one(), ack, kapivara.Committed)
		b.overtake(store, billing(), func() { b.replays(kapivara.Replay{}, 1) })
		if d := b.one(); d.Bucket != 0 || d.Cause != kapivara.CauseReplay {
			t.Errorf("got %v, want the replay in bucket 0", brief([]kapivara.Delivery{d}))
		}
	})
}
