package dispatcher_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
)

// pulled is what a pull has come to.
type pulled struct {
	deliveries []kapivara.Delivery
	err        error
	at         time.Time
}

// next asks for deliveries; the answer comes on the channel.
func (b *bench) next(q kapivara.NextQuery) <-chan pulled {
	got := make(chan pulled, 1)
	q.Batch = max(q.Batch, 1)
	b.d.Next("billing", q, func(deliveries []kapivara.Delivery, err error) { got <- pulled{deliveries, err, time.Now()} })
	synctest.Wait()
	return got
}

// pulls is next where the answer comes at once.
func (b *bench) pulls(q kapivara.NextQuery) []kapivara.Delivery {
	b.t.Helper()
	select {
	case p := <-b.next(q):
		if p.err != nil {
			b.t.Fatalf("next: %v", p.err)
		}
		return p.deliveries
	default:
		b.t.Fatal("the pull got no answer")
		return nil
	}
}

// pullsOne is pulls where one delivery comes.
func (b *bench) pullsOne(q kapivara.NextQuery) kapivara.Delivery {
	b.t.Helper()
	got := b.pulls(q)
	if len(got) != 1 {
		b.t.Fatalf("got %v, want one delivery", brief(got))
	}
	return got[0]
}

func wait(d time.Duration) kapivara.NextQuery { return kapivara.NextQuery{Wait: d} }

// TestWhatMetNobodyIsPulledAtOnceAsTheSameAttempt is the last sentence but one of "Pull": the same token, and durable first.
func TestWhatMetNobodyIsPulledAtOnceAsTheSameAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{}
		b := startOn(t, store, billing())
		b.hangUp()
		b.finish("one", "two")
		b.pass(500 * time.Millisecond)
		sent, writes := b.takeSent()[0], store.turns
		d := b.pullsOne(wait(0))
		if d.Token != sent.Token || d.Attempt != 1 || len(d.Events) != 3 || d.Stream != stream("one") {
			t.Errorf("got %v with %d events, want the attempt that was sent, whole", brief([]kapivara.Delivery{d}), len(d.Events))
		}
		if want := time.Now().Add(30 * time.Second); !d.Deadline.Equal(want) {
			t.Errorf("the deadline is %v, want ack_wait after the answer, %v", d.Deadline, want)
		}
		if store.turns != writes+1 || !b.state(d).Pulled {
			t.Errorf("got %d turns for it, and it is %+v, want one by which a pull has it", store.turns-writes, b.state(d))
		}
		b.pass(10 * time.Second)
		b.none() // somebody has it
		if again := b.pulls(wait(0)); len(again) != 0 {
			t.Errorf("got %v while max_in_flight is out, want nothing", brief(again))
		}
		b.settles(d, ack, kapivara.Committed)
		if d := b.pullsOne(wait(0)); d.Stream != stream("two") || d.Number != 2 || d.Attempt != 1 {
			t.Errorf("got %v after the first, want two", brief([]kapivara.Delivery{d}))
		}
	})
}

// TestAWaiterIsServedByTheLease: what becomes due goes straight to who waits, in the turn that leases it.
func TestAWaiterIsServedByTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 10 }))
		b.hangUp()
		first := b.next(wait(20 * time.Second))
		b.pass(3 * time.Second)
		begun := time.Now()
		b.finish("one")
		if p := <-first; p.err != nil || len(p.deliveries) != 1 || p.at.Sub(begun) > 60*time.Millisecond {
			t.Fatalf("got %v, %v after %v, want one at once", brief(p.deliveries), p.err, p.at.Sub(begun))
		}
		if n := len(b.takeSent()); n != 1 {
			t.Fatalf("got %d sendings, want the one that tries whether anybody listens", n)
		}
		second := b.next(wait(20 * time.Second))
		b.finish("two")
		b.none() // it was tried just now
		if p := <-second; len(p.deliveries) != 1 || p.deliveries[0].Number != 2 {
			t.Fatalf("got %v, want number 2", brief(p.deliveries))
		}
		b.finish("three", "four", "five")
		if got := b.pulls(kapivara.NextQuery{Batch: 100}); len(got) != 3 || got[0].Number != 3 || got[2].Number != 5 {
			t.Errorf("got %v, want numbers 3 to 5 in their order", brief(got))
		}
	})
}

// TestAWaitEndsEmptyAndIdleWaitsCostNothing is "no busy loop anywhere": waiting makes no call of the store beyond the slow
// look.
func TestAWaitEndsEmptyAndIdleWaitsCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &looked{Dispatch: memory.NewDispatch(time.Now)}
		store.Subscribe(billing())
		b := &bench{t: t, store: store.Dispatch}
		b.begin(store)
		b.hangUp()
		b.pass(10 * time.Second)
		calm := store.during(func() { b.pass(20 * time.Second) })
		begun := time.Now()
		var waiting []<-chan pulled
		busy := store.during(func() {
			for range 50 {
				waiting = append(waiting, b.next(wait(20*time.Second)))
			}
			b.pass(20 * time.Second)
		})
		for _, w := range waiting {
			if p := <-w; p.err != nil || p.deliveries == nil && len(p.deliveries) > 0 || p.at.Sub(begun) != 20*time.Second {
				t.Errorf("got %v, %v after %v, want nothing after 20s", brief(p.deliveries), p.err, p.at.Sub(begun))
			}
		}
		if busy > calm+1 {
			t.Errorf("50 waits made %d calls of the store, as many seconds without any %d", busy, calm)
		}
	})
}

// looked counts the calls of the store, but for the prolonging of the duty.
type looked struct {
	*memory.Dispatch
	mu    sync.Mutex
	calls int
}

func (l *looked) count() { l.mu.Lock(); l.calls++; l.mu.Unlock() }

func (l *looked) during(f func()) int {
	l.mu.Lock()
	before := l.calls
	l.mu.Unlock()
	f()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls - before
}

func (l *looked) Look(ctx context.Context, lanes []kapivara.LaneQuery, after kapivara.DueMark, limit int) (*kapivara.Look, error) {
	l.count()
	return l.Dispatch.Look(ctx, lanes, after, limit)
}

func (l *looked) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	l.count()
	return l.Dispatch.Turn(ctx, turn)
}

func (l *looked) Roster(ctx context.Context) (*kapivara.Roster, error) {
	l.count()
	return l.Dispatch.Roster(ctx)
}

// TestAPullWithoutAWaitSeesAllThatIsStored: an append that was answered before the pull is found, whether or not word of
// it has come to the dispatcher.
func TestAPullWithoutAWaitSeesAllThatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.hangUp()
		b.pass(10 * time.Second)
		b.store.Finish(stream("one"), 3, false) // and nobody pokes
		if d := b.pullsOne(wait(0)); d.Stream != stream("one") {
			t.Errorf("got %v", brief([]kapivara.Delivery{d}))
		}
	})
}

// TestManyPullersShareWhatThereIs: each delivery goes to one of them, each bucket in order, and never more than
// max_in_flight (I-14).
func TestManyPullersShareWhatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.Buckets, s.MaxInFlight = 4, 2 }))
		b.hangUp()
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex
		got, last, out, over := map[kapivara.Stream]int{}, map[kapivara.Bucket]int64{}, map[kapivara.Bucket]int{}, 0
		take := func(deliveries []kapivara.Delivery) {
			mu.Lock()
			defer mu.Unlock()
			for _, d := range deliveries {
				got[d.Stream]++
				if d.Number != last[d.Bucket]+1 {
					over++
				}
				last[d.Bucket] = d.Number
				if out[d.Bucket]++; out[d.Bucket] > 2 {
					over++
				}
			}
		}
		var pullers sync.WaitGroup
		for n := range 50 {
			pullers.Go(func() {
				for ctx.Err() == nil {
					answered := make(chan pulled, 1)
					b.d.Next("billing", kapivara.NextQuery{Batch: 1 + n%3, Wait: time.Second}, func(d []kapivara.Delivery, err error) {
						take(d)
						answered <- pulled{deliveries: d, err: err}
					})
					p := <-answered
					time.Sleep(time.Duration(n) * time.Millisecond)
					for _, d := range p.deliveries {
						settled := make(chan error, 1)
						mu.Lock()
						out[d.Bucket]--
						mu.Unlock()
						b.d.Settle(d.Subscriber, d.Token, ack, func(_ kapivara.Settled, err error) { settled <- err })
						if err := <-settled; err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		for i := range 400 {
			b.store.Finish(stream(fmt.Sprint(i)), 2, i%2 == 0)
		}
		b.d.Poke(true, false)
		b.pass(2 * time.Minute)
		stop()
		pullers.Wait()
		mu.Lock()
		defer mu.Unlock()
		for s, n := range got {
			if n != 1 {
				t.Errorf("%s was given out %d times", s, n)
			}
		}
		if len(got) != 400 || over > 0 || b.store.Pending() != 0 {
			t.Errorf("got %d streams of 400, %d out of their bucket's order or beyond max_in_flight", len(got), over)
		}
	})
}

// TestWhoeverCameFirstIsServedFirst is the fairness among pulls.
func TestWhoeverCameFirstIsServedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 100 }))
		b.hangUp()
		var waiting []<-chan pulled
		for range 10 {
			waiting = append(waiting, b.next(wait(20*time.Second)))
		}
		for i := range 10 {
			b.finish(fmt.Sprint(i))
			if p := <-waiting[i]; len(p.deliveries) != 1 || p.deliveries[0].Number != int64(i+1) {
				t.Fatalf("pull %d got %v, want number %d", i, brief(p.deliveries), i+1)
			}
		}
	})
}

func TestAPullOfOneBucketGetsThatAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.Buckets = 4 }))
		b.hangUp()
		for i := range 40 {
			b.finish(fmt.Sprint(i))
		}
		for _, bucket := range []kapivara.Bucket{3, 0} {
			if d := b.pullsOne(kapivara.NextQuery{Bucket: &bucket, Batch: 10}); d.Bucket != bucket || d.Number != 1 {
				t.Errorf("got %v, want the first of bucket %s alone", brief([]kapivara.Delivery{d}), bucket)
			}
		}
		for _, bucket := range []kapivara.Bucket{4, -1} {
			if p := <-b.next(kapivara.NextQuery{Bucket: &bucket, Wait: 30 * time.Second}); codeOf(p.err) != kapivara.NotFound {
				t.Errorf("bucket %s: got %v, %v, want not_found", bucket, brief(p.deliveries), p.err)
			}
		}
	})
}

// TestAPullOfASubscriberThatWasJustSet: the registry may be newer than what the dispatcher knows.
func TestAPullOfASubscriberThatWasJustSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t)
		if p := <-b.next(wait(20 * time.Second)); !errors.Is(p.err, kapivara.ErrOffDuty) {
			t.Errorf("got %v, %v, want it left to whoever knows of the subscriber", brief(p.deliveries), p.err)
		}
		b.hangUp()
		b.store.Subscribe(billing())
		b.store.Finish(stream("one"), 3, false)
		b.pass(2 * time.Second) // it is shared out
		if d := b.pullsOne(wait(0)); d.Stream != stream("one") {
			t.Errorf("got %v", brief([]kapivara.Delivery{d}))
		}
		waiting := b.next(wait(20 * time.Second))
		b.store.Remove("billing")
		b.d.Poke(false, true)
		if p := <-waiting; !errors.Is(p.err, kapivara.ErrOffDuty) {
			t.Errorf("removed while it waits: got %v, %v, want it left to whoever knows of the subscriber", brief(p.deliveries), p.err)
		}
	})
}

// TestAPullerThatDiesLosesTheDeliveryAtItsDeadline: it comes again after ack_wait and the backoff, as the next attempt.
func TestAPullerThatDiesLosesTheDeliveryAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.hangUp()
		b.finish("one", "two")
		first := b.pullsOne(wait(0))
		waiting := b.next(wait(30 * time.Second))
		p := <-waiting
		if len(p.deliveries) != 0 && p.deliveries[0].Number == 1 {
			t.Fatalf("got %v before the deadline", brief(p.deliveries))
		}
		b.pass(time.Second)
		second := b.pulls(kapivara.NextQuery{Batch: 2, Wait: 20 * time.Second})
		for _, d := range append(p.deliveries, second...) {
			if d.Number == 1 && (d.Attempt != 2 || d.Token == first.Token) {
				t.Errorf("got %v, want attempt 2", brief([]kapivara.Delivery{d}))
			}
			b.settles(d, ack, kapivara.Committed)
		}
		b.pass(5 * time.Second)
		for _, d := range b.pulls(wait(0)) {
			b.settles(d, ack, kapivara.Committed)
		}
		for _, n := range b.store.All() {
			if n.Lease.State != kapivara.Committed || n.Number == 1 && n.Lease.Attempt != 2 {
				t.Errorf("%s is %s at attempt %d, want committed", n.Name, n.Lease.State, n.Lease.Attempt)
			}
		}
		b.stale(first, nak)
	})
}

// TestNodesThatListenGoBeforePulls, and one that comes is found although all goes to those who wait.
func TestNodesThatListenGoBeforePulls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 5 }))
		b.hangUp()
		pull := func() (n int) {
			for range 3 {
				b.finish(fmt.Sprint(time.Now().UnixNano()))
				for _, d := range b.pulls(kapivara.NextQuery{Batch: 5, Wait: time.Millisecond}) {
					b.settles(d, ack, kapivara.Committed)
					n++
				}
				b.pass(400 * time.Millisecond)
			}
			return n
		}
		if n := pull(); n != 3 {
			t.Fatalf("pulls got %d of 3 while nobody listens", n)
		}
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		waiting := b.next(wait(30 * time.Second))
		b.pass(2 * time.Second)
		pushed := b.store.All()
		for i := range 20 {
			b.finish(fmt.Sprintf("pushed %d", i))
			b.pass(200 * time.Millisecond)
		}
		if all := b.store.All(); len(all) != len(pushed)+20 || all[len(all)-1].Lease.State != kapivara.Committed {
			t.Errorf("got %d deliveries after %d, want all 20 committed", len(all), len(pushed))
		}
		b.pass(30 * time.Second)
		if p := <-waiting; len(p.deliveries) > 1 {
			t.Errorf("the pull got %v, want at most what came before the node was found", brief(p.deliveries))
		}
		b.hangUp()
		waiting = b.next(wait(30 * time.Second))
		b.finish("nobody listens any more")
		if p := <-waiting; len(p.deliveries) != 1 || p.deliveries[0].Attempt != 1 {
			t.Errorf("got %v, %v, want what met nobody, at once", brief(p.deliveries), p.err)
		}
	})
}

// TestStopAnswersEveryWaiter at once, so that the bus need not wait for the end of their waits.
func TestStopAnswersEveryWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		waiting := b.next(wait(30 * time.Second))
		begun := time.Now()
		b.d.Stop()
		if p := <-waiting; len(p.deliveries) != 0 || p.at.Sub(begun) > time.Second {
			t.Errorf("got %v, %v after %v, want an answer at once", brief(p.deliveries), p.err, p.at.Sub(begun))
		}
	})
}

// TestALostTurnRefusesItsWaiter: nobody knows whether the lease is durable, so nothing is handed out, and then the same
// attempt is.
func TestALostTurnRefusesItsWaiter(t *testing.T) {
	for name, done := range map[string]bool{"the turn was done": true, "the turn was not done": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &counted{}
				b := startOn(t, store, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 5 }))
				b.hangUp()
				b.finish("zero")
				zero := b.pullsOne(wait(0))
				waiting := b.next(wait(20 * time.Second))
				lost := func() error { return kapivara.Refuse(kapivara.OutcomeUnknown, "lost") }
				if done {
					store.set(nil, lost)
				} else {
					store.set(lost, nil)
				}
				b.finish("one")
				if p := <-waiting; codeOf(p.err) != kapivara.Unavailable {
					t.Errorf("got %v, %v, want unavailable", brief(p.deliveries), p.err)
				}
				store.set(nil, nil)
				b.pass(2 * time.Second)
				b.settles(zero, ack, kapivara.Committed)
				var got []kapivara.Delivery
				for range 3 {
					got = append(got, b.pulls(kapivara.NextQuery{Batch: 5})...)
				}
				if len(got) == 0 || got[len(got)-1].Stream != stream("one") || got[len(got)-1].Attempt != 1 {
					t.Errorf("got %v, want the first attempt of one", brief(got))
				}
			})
		})
	}
}

// TestAWaiterThatMustBeGoneGetsNothing: a store that takes long must not make leases for those who have hung up; another
// gets the attempt.
func TestAWaiterThatMustBeGoneGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{}
		b := startOn(t, store, billing())
		b.hangUp()
		b.finish("zero")
		b.settles(b.pullsOne(wait(0)), ack, kapivara.Committed)
		waiting := b.next(wait(time.Second))
		store.set(func() error { time.Sleep(4 * time.Second); return nil }, nil)
		b.finish("one")
		b.pass(5 * time.Second)
		if p := <-waiting; p.err != nil || len(p.deliveries) != 0 {
			t.Errorf("got %v, %v four seconds late, want nothing", brief(p.deliveries), p.err)
		}
		store.set(nil, nil)
		if d := b.pullsOne(wait(0)); d.Stream != stream("one") || d.Attempt != 1 {
			t.Errorf("got %v, want the first attempt", brief([]kapivara.Delivery{d}))
		}
	})
}

// TestWhatAPullHasIsNotHandedOutAgainWhenItsBucketIsReadAnew: reading a bucket anew, because somebody else has changed it,
// must not give the same attempt to two.
func TestWhatAPullHasIsNotHandedOutAgainWhenItsBucketIsReadAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{}
		b := startOn(t, store, billing(func(s *kapivara.Subscriber) { s.MaxInFlight = 3 }))
		b.hangUp()
		b.finish("one")
		b.pass(40 * time.Second) // its lease in the store is long over
		one := b.pullsOne(wait(0))
		b.pass(20 * time.Second)
		failed := false
		store.set(func() error {
			if failed {
				return nil
			}
			failed = true
			return kapivara.ErrStaleTurn
		}, nil)
		b.finish("two")
		b.pass(2 * time.Second)
		if !failed {
			t.Fatal("no turn was refused")
		}
		if got := b.pulls(kapivara.NextQuery{Batch: 10}); len(got) != 1 || got[0].Stream != stream("two") {
			t.Errorf("got %v, want two alone", brief(got))
		}
		b.settles(one, ack, kapivara.Committed)
	})
}
