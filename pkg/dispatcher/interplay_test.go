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

// gated is a store whose calls wait where the test wants it: a reading once it has read, an operation before it is done.
type gated struct {
	*memory.Dispatch
	mu    sync.Mutex
	gates map[string]chan struct{}
}

func startGated(t *testing.T, s kapivara.Subscriber) (*bench, *gated) {
	t.Helper()
	store := &gated{Dispatch: memory.NewDispatch(time.Now), gates: map[string]chan struct{}{}}
	store.Subscribe(s)
	b := &bench{t: t, store: store.Dispatch}
	b.begin(store)
	return b, store
}

// hold makes calls of the name wait until they are let go.
func (g *gated) hold(call string) (letGo func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gate := make(chan struct{})
	g.gates[call] = gate
	return func() {
		g.mu.Lock()
		if g.gates[call] == gate {
			delete(g.gates, call)
		}
		g.mu.Unlock()
		close(gate)
		synctest.Wait()
	}
}

func (g *gated) wait(call string) {
	g.mu.Lock()
	gate := g.gates[call]
	g.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

func (g *gated) Look(ctx context.Context, lanes []kapivara.LaneQuery, after kapivara.DueMark, limit int) (*kapivara.Look, error) {
	look, err := g.Dispatch.Look(ctx, lanes, after, limit)
	g.wait("look")
	return look, err
}

func (g *gated) Roster(ctx context.Context) (*kapivara.Roster, error) {
	g.wait("roster")
	return g.Dispatch.Roster(ctx)
}

func (g *gated) Buckets(ctx context.Context, subscribers []string) ([]kapivara.BucketRow, []kapivara.Numbered, error) {
	rows, leased, err := g.Dispatch.Buckets(ctx, subscribers)
	g.wait("buckets")
	return rows, leased, err
}

func (g *gated) Operate(
	ctx context.Context, hold kapivara.Hold, subscriber string, o *kapivara.Operation, from kapivara.OperateMark,
) (*kapivara.Operated, error) {
	g.wait(string(o.Verb))
	return g.Dispatch.Operate(ctx, hold, subscriber, o, from)
}

func (g *gated) Replay(
	ctx context.Context, hold kapivara.Hold, subscriber string, r *kapivara.Replay, from kapivara.ReplayMark,
) (*kapivara.Replayed, error) {
	g.wait("replay")
	return g.Dispatch.Replay(ctx, hold, subscriber, r, from)
}

func (g *gated) Events(ctx context.Context, stretches []kapivara.Stretch, limit int, each func(int, []kapivara.Event) error) error {
	return g.Dispatch.Events(ctx, stretches, limit, func(n int, events []kapivara.Event) error {
		g.wait(fmt.Sprint("body ", n))
		return each(n, events)
	})
}

// movedGrowth gives a bench on which the first stretch of a stream is leased in a bucket that is no more, beside one of
// another stream, while the second one waits in bucket 0.
func movedGrowth(t *testing.T) (b *bench, store *gated, first kapivara.Delivery) {
	t.Helper()
	settings := func(buckets int) kapivara.Subscriber {
		return billing(appended, func(s *kapivara.Subscriber) { s.Buckets, s.MaxInFlight = buckets, 2 })
	}
	b, store = startGated(t, settings(4))
	b.grow("one", 1)
	if first = b.stretch("one", 1, 1); first.Bucket == 0 {
		t.Fatal("the stream is in bucket 0 before the change: the test shows nothing")
	}
	b.pass(time.Second) // somebody has it
	four := kapivara.Layout{Buckets: 4}
	for n := 0; len(b.store.All()) < 2; n++ { // another one of the bucket
		if name := fmt.Sprint("beside ", n); four.BucketOf(stream(name), false) == first.Bucket {
			b.grow(name, 1)
			b.stretch(name, 1, 1)
		}
	}
	b.store.Subscribe(settings(1))
	b.d.Poke(true, true)
	synctest.Wait()
	b.place(-1)
	b.grow("one", 2)
	b.pass(time.Second)
	b.none()
	return b, store, first
}

// I-11: a stream goes on after a stretch of it was discarded, also where that one was in a bucket that is no more. The
// known wrong way reads the bucket of the discarded one anew, and no other.
func TestAfterADiscardTheStreamGoesOnInItsNewBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, first := movedGrowth(t)
		b.settles(first, term, kapivara.Parked)
		b.pass(time.Second)
		b.none() // parked holds back too
		b.operates(kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Parked}, 1)
		b.pass(time.Second)
		if d := b.stretch("one", 2, 2); d.Bucket != 0 {
			t.Errorf("got %v, want it in bucket 0", brief([]kapivara.Delivery{d}))
		}
	})
}

// I-11: an answer lets its stream go on in another bucket, even if an operator has the answer's bucket read anew before
// anybody has looked for what waits.
func TestAStreamGoesOnThoughItsOldBucketIsReadAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store, first := movedGrowth(t)
		letGo := store.hold("look")
		b.d.Poke(true, false)
		synctest.Wait()
		b.settles(first, ack, kapivara.Committed)
		b.operates(kapivara.Operation{Verb: kapivara.Park, Numbers: []kapivara.Numbering{{Bucket: first.Bucket, Number: 2}}}, 1)
		letGo()
		b.pass(time.Second)
		b.stretch("one", 2, 2)
	})
}

// I-16: what an operator has discarded is not sent again, although its bucket was just being read anew for the operator before.
func TestWhatTheNextOperatorDiscardsIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store := startGated(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 2 }))
		b.listen(nil)
		b.finish("one", "two")
		b.pass(20 * time.Second)
		b.hangUp()
		b.pass(12 * time.Second) // second attempts, and nobody is there
		b.takeSent()
		letLook, letDiscard := store.hold("look"), store.hold("discard")
		b.operates(kapivara.Operation{Verb: kapivara.Park, Numbers: numbered(2)}, 1)
		discarded := make(chan error, 1)
		b.d.Operate("billing", kapivara.Operation{Verb: kapivara.Discard, Numbers: numbered(1)}, func(_ int, err error) { discarded <- err })
		synctest.Wait()
		letDiscard()
		if err := <-discarded; err != nil {
			t.Fatal(err)
		}
		b.takeSent()
		letLook()
		b.pass(time.Minute)
		b.none()
		if got := b.pulls(wait(0)); len(got) > 0 {
			t.Errorf("a pull got %v", brief(got))
		}
	})
}

// I-16: the same where the bucket is one of earlier settings that a dispatcher has not met yet.
func TestWhatIsDiscardedInABucketNotYetKnownIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store := startGated(t, billing(buckets(4)))
		b.hangUp()
		b.finish("one")
		b.pass(10 * time.Second)
		d := b.takeSent()[0]
		if d.Bucket == 0 {
			t.Fatal("the stream is in bucket 0: the test shows nothing")
		}
		b.d.Stop()
		b.store.Subscribe(billing())
		for b.store.Place() {
		}
		letGo := store.hold("buckets")
		b.begin(store)
		b.takeSent()
		b.operates(kapivara.Operation{Verb: kapivara.Discard, Numbers: []kapivara.Numbering{{Bucket: d.Bucket, Number: 1}}}, 1)
		letGo()
		b.pass(time.Minute)
		b.none()
	})
}

// I-18: what an operator has hidden is not in the answer to a pull that was being made up.
func TestWhatIsHiddenMeanwhileIsNotPulled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store := startGated(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 10 }))
		b.hangUp()
		b.finish("zero") // goes out to try whether anybody listens
		b.pass(100 * time.Millisecond)
		b.settles(b.pullsOne(wait(0)), ack, kapivara.Committed)
		letSecond, letThird := store.hold("body 1"), store.hold("body 2")
		b.finish("one", "two", "three", "four")
		b.takeSent()
		got := b.next(kapivara.NextQuery{Batch: 4, Wait: 10 * time.Second})
		b.pass(100 * time.Millisecond)
		letSecond()
		b.operates(kapivara.Operation{Verb: kapivara.Hide, State: kapivara.Leased, Delay: time.Hour}, 4)
		letThird()
		b.pass(time.Second)
		select {
		case p := <-got:
			if len(p.deliveries) > 0 || p.err != nil {
				t.Errorf("the pull got %v, %v", brief(p.deliveries), p.err)
			}
		default:
			t.Error("the pull got no answer")
		}
	})
}

// Requests of operators that wait for a long one are bounded.
func TestOnlySoManyOperatorsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store := startGated(t, billing())
		b.finish("one")
		letGo := store.hold("park")
		busy, ended := 0, 0
		for range 300 {
			b.d.Operate("billing", kapivara.Operation{Verb: kapivara.Park, Numbers: numbered(1)}, func(_ int, err error) {
				if ended++; codeOf(err) == kapivara.Busy {
					busy++
				}
			})
			synctest.Wait()
		}
		if busy < 100 {
			t.Errorf("%d of 300 were refused", busy)
		}
		letGo()
		b.pass(time.Minute)
		if ended != 300 {
			t.Errorf("%d of 300 got an answer", ended)
		}
	})
}

// I-11: a replay that a live delivery of its stream holds back is sent after that one, although others are to be sent again
// before.
func TestAReplayThatWaitsForALiveDeliveryIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := startGated(t, billing(appended))
		names := []string{"one", "two", "three", "four"}
		for _, name := range names {
			b.grow(name, 1)
			b.settles(b.stretch(name, 1, 1), ack, kapivara.Committed)
		}
		b.grow("other", 1)
		other := b.stretch("other", 1, 1)
		b.replays(kapivara.Replay{}, len(names))
		b.grow("one", 2)
		b.settles(other, ack, kapivara.Committed)
		b.settles(b.stretch("one", 2, 2), ack, kapivara.Committed)
		for range 3 { // the others are parked, so that nothing more is settled
			b.settles(b.one(), term, kapivara.Parked)
		}
		b.pass(time.Second)
		if d := b.one(); d.Stream != stream("one") || d.Cause != kapivara.CauseReplay || d.To != 2 {
			t.Errorf("got %v, want the replay of one", brief([]kapivara.Delivery{d}))
		}
	})
}

// I-17: what became due while other numbers of buckets were in force is found, although the dispatcher has only seen the row
// and never those numbers.
func TestAChangeTakenBackBeforeItIsReadLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, store := startGated(t, billing(buckets(3)))
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		letGo := store.hold("roster")
		b.store.Subscribe(billing(buckets(2)))
		var names []string
		for i := range 12 {
			names = append(names, fmt.Sprint(i))
		}
		b.finish(names...)
		b.store.Subscribe(billing(buckets(3)))
		for b.store.Place() {
		}
		letGo()
		b.pass(time.Minute)
		if n := b.store.Pending(); n > 0 {
			t.Errorf("%d of %d streams still wait", n, len(names))
		}
	})
}

// An owner that has pulled and pulls no more is sent what it claims, although the store's clock was set back meanwhile.
func TestAnOwnerThatPullsNoMoreIsSentWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var back time.Duration
		b := &bench{t: t, store: memory.NewDispatch(func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(-back)
		})}
		b.store.Subscribe(billing())
		b.begin(b.store)
		b.claims("n1", 0, 5*time.Minute)
		b.pulls(kapivara.NextQuery{Node: "n1"})
		b.finish("one")
		b.pass(5 * time.Second)
		b.none()
		mu.Lock()
		back = 2 * time.Second
		mu.Unlock()
		b.pass(time.Minute)
		if sent := b.takeSent(); len(sent) == 0 || sent[0].Node != "n1" {
			t.Errorf("got %v, want the delivery for its owner", brief(sent))
		}
	})
}
