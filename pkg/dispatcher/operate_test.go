package dispatcher_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

// operates does an operator's verb and holds it to how many deliveries it changes.
func (b *bench) operates(o kapivara.Operation, want int) {
	b.t.Helper()
	b.changes(want, func(done func(int, error)) { b.d.Operate("billing", o, done) })
}

func (b *bench) replays(r kapivara.Replay, want int) {
	b.t.Helper()
	b.changes(want, func(done func(int, error)) { b.d.Replay("billing", r, done) })
}

func (b *bench) changes(want int, ask func(done func(int, error))) {
	b.t.Helper()
	got := make(chan error, 2)
	ask(func(n int, err error) {
		if err == nil && n != want {
			err = fmt.Errorf("%d are changed, want %d", n, want)
		}
		got <- err
	})
	synctest.Wait()
	select {
	case err := <-got:
		if err != nil {
			b.t.Fatal(err)
		}
	default:
		b.t.Fatal("the operator got no answer")
	}
	if len(got) > 0 {
		b.t.Error("the operator got two answers")
	}
}

func numbered(n ...int64) (list []kapivara.Numbering) {
	for _, number := range n {
		list = append(list, kapivara.Numbering{Number: number})
	}
	return list
}

// I-16: what an operator has taken away takes no answer of the attempt before.
func TestWhatAnOperatorTakesAwayIsTakenFromItsNode(t *testing.T) {
	for _, verb := range []kapivara.Verb{kapivara.Hide, kapivara.Park, kapivara.Discard} {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, billing())
			b.finish("one", "two")
			first := b.one()
			b.operates(kapivara.Operation{Verb: verb, Numbers: numbered(1), Delay: time.Minute}, 1)
			if second := b.one(); second.Number != 2 { // its place is free
				t.Fatalf("got %v after %s, want number 2", brief([]kapivara.Delivery{second}), verb)
			} else {
				b.settles(second, ack, kapivara.Committed)
			}
			b.stale(first, ack)
			b.stale(first, progress)
			b.pass(59 * time.Second)
			b.none()
			b.pass(time.Hour)
			switch sent := b.takeSent(); {
			case verb == kapivara.Hide && (len(sent) == 0 || sent[0].Number != 1 || sent[0].Attempt != 2):
				t.Errorf("got %v after its time, want attempt 2 of it", brief(sent))
			case verb != kapivara.Hide && len(sent) > 0:
				t.Errorf("after %s it was sent again: %v", verb, brief(sent))
			}
		})
	}
}

// KurrentDB's replay of parked messages moved a checkpoint past unread events: here live deliveries flow while all that is
// parked is retried again and again, and each stream is committed all the same (I-11, I-15, I-20).
func TestRetryingWhatIsParkedLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.MaxAttempts, s.MaxInFlight = 1, 3 }))
		mended, committed := false, map[kapivara.Stream]int{}
		b.listen(func(d kapivara.Delivery) {
			if !mended && d.Stream[len(d.Stream)-1]%3 == 0 {
				b.d.Settle(d.Subscriber, d.Token, nak, nil)
				return
			}
			b.d.Settle(d.Subscriber, d.Token, ack, func(_ kapivara.Settled, err error) {
				if err == nil {
					committed[d.Stream]++
				}
			})
		})
		const streams = 60
		for i := range streams {
			b.store.Finish(stream(fmt.Sprint(i)), 1, false)
			b.d.Poke(true, false)
			if i%7 == 0 {
				b.d.Operate("billing", kapivara.Operation{Verb: kapivara.Retry, State: kapivara.Parked}, func(int, error) {})
			}
		}
		b.pass(time.Minute)
		parked := 0
		for _, n := range b.store.All() {
			if n.Lease.State == kapivara.Parked {
				parked++
			}
		}
		if parked == 0 {
			t.Fatal("nothing is parked: the test shows nothing")
		}
		b.mu.Lock()
		mended = true
		b.mu.Unlock()
		b.operates(kapivara.Operation{Verb: kapivara.Retry, State: kapivara.Parked, DryRun: true}, parked)
		b.operates(kapivara.Operation{Verb: kapivara.Retry, State: kapivara.Parked}, parked)
		b.pass(time.Minute)
		for i := range streams {
			if n := committed[stream(fmt.Sprint(i))]; n != 1 {
				t.Errorf("stream %d was committed %d times", i, n)
			}
		}
		if n := b.store.Pending(); n != 0 || len(b.store.All()) != streams {
			t.Errorf("%d streams still wait, and %d are numbered", n, len(b.store.All()))
		}
	})
}

// What was never sent gets its number with an operator's verb, and its first attempt after the retry.
func TestWhatWasNeverSentCanBeSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one", "two", "three")
		first := b.one()
		b.operates(kapivara.Operation{Verb: kapivara.Park, Stream: stream("two"), Reason: "wrong tax"}, 1)
		b.operates(kapivara.Operation{Verb: kapivara.Park, Stream: stream("two")}, 0)
		b.settles(first, ack, kapivara.Committed)
		third := b.one()
		if third.Stream != stream("three") || third.Number != 3 {
			t.Fatalf("got %v, want three as number 3", brief([]kapivara.Delivery{third}))
		}
		b.settles(third, ack, kapivara.Committed)
		b.pass(time.Hour)
		b.none()
		b.operates(kapivara.Operation{Verb: kapivara.Retry, Numbers: numbered(2)}, 1)
		if d := b.one(); d.Stream != stream("two") || d.Attempt != 1 || d.Number != 2 {
			t.Errorf("got %v, want the first attempt of two", brief([]kapivara.Delivery{d}))
		} else {
			b.settles(d, ack, kapivara.Committed)
		}
		b.operates(kapivara.Operation{Verb: kapivara.Discard, Numbers: numbered(1, 2, 3)}, 0) // committed is committed
	})
}

func TestADryRunChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one", "two", "three", "four", "five", "six")
		d := b.one()
		b.operates(kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Pending, DryRun: true}, 5)
		b.operates(kapivara.Operation{Verb: kapivara.Park, State: kapivara.Leased, DryRun: true}, 1)
		b.replays(kapivara.Replay{DryRun: true}, 0)
		if n := b.store.Pending(); n != 5 {
			t.Errorf("%d wait after a dry run, want 5", n)
		}
		b.settles(d, ack, kapivara.Committed)
		b.replays(kapivara.Replay{DryRun: true}, 1)
		b.operates(kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Pending}, 4)
		if n := b.store.Pending(); n != 0 {
			t.Errorf("%d wait after the discard, want none", n)
		}
	})
}

func TestAReplaySendsTheWholeStreamAgainAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		var at []int64
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		for i := range 8 {
			at = append(at, b.store.Finish(stream(fmt.Sprint(i)), 2, false))
		}
		b.d.Poke(true, false)
		b.pass(time.Second)
		b.takeSent()
		b.listen(nil)
		b.replays(kapivara.Replay{After: at[1], To: at[6]}, 5)
		b.replays(kapivara.Replay{After: at[1], To: at[6]}, 0) // they are not settled
		for i := 2; i <= 6; i++ {
			d := b.one()
			if d.Stream != stream(fmt.Sprint(i)) || d.Cause != kapivara.CauseReplay || d.Attempt != 1 || d.From != 1 || d.To != 2 || len(d.Events) != 2 {
				t.Fatalf("got %v as %s, want stream %d", brief([]kapivara.Delivery{d}), d.Cause, i)
			}
			b.settles(d, ack, kapivara.Committed)
		}
		b.pass(time.Minute)
		b.none()
		b.replays(kapivara.Replay{Stream: stream("3")}, 1)
		b.settles(b.one(), term, kapivara.Parked)
		b.replays(kapivara.Replay{Stream: stream("3")}, 0) // parked is not settled
		b.operates(kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Parked}, 1)
		b.replays(kapivara.Replay{Since: time.Now().Add(time.Second)}, 0)
		b.replays(kapivara.Replay{Since: time.Now().Add(-time.Hour)}, 8)
	})
}

// Live deliveries go before replays, and wait for one only where it is out already.
func TestLiveDeliveriesGoBeforeReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		for i := range 100 {
			b.store.Finish(stream(fmt.Sprint("old-", i)), 1, false)
		}
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, ack, nil) })
		b.d.Poke(true, false)
		b.pass(time.Second)
		b.takeSent()
		b.listen(nil)
		b.replays(kapivara.Replay{}, 100)
		out := b.one()
		for i := range 40 {
			b.finish(fmt.Sprint("new-", i))
		}
		b.settles(out, ack, kapivara.Committed)
		for i := range 40 {
			d := b.one()
			if d.Stream != stream(fmt.Sprint("new-", i)) {
				t.Fatalf("got %v, want new-%d", brief([]kapivara.Delivery{d}), i)
			}
			b.settles(d, ack, kapivara.Committed)
		}
		for i := 1; i < 100; i++ {
			d := b.one()
			if d.Stream != stream(fmt.Sprint("old-", i)) || d.Cause != kapivara.CauseReplay {
				t.Fatalf("got %v, want the replay of old-%d", brief([]kapivara.Delivery{d}), i)
			}
			b.settles(d, ack, kapivara.Committed)
		}
		b.pass(time.Hour)
		b.none()
	})
}

// A long operation lets live deliveries pass between its parts, and its end is told once.
func TestALongOperationLetsOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing(func(s *kapivara.Subscriber) { s.Buckets, s.MaxAttempts = 3, 1 }))
		b.listen(func(d kapivara.Delivery) { b.d.Settle(d.Subscriber, d.Token, nak, nil) })
		for i := range 300 {
			b.store.Finish(stream(fmt.Sprint(i)), 1, false)
		}
		b.d.Poke(true, false)
		b.pass(time.Second)
		between := 0
		ended := false
		b.listen(func(d kapivara.Delivery) {
			if !ended && d.Attempt == 1 {
				between++
			}
			b.d.Settle(d.Subscriber, d.Token, ack, nil)
		})
		for i := range 300 {
			b.store.Finish(stream(fmt.Sprint("live-", i)), 1, false)
		}
		b.d.Operate("billing", kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Parked, Reason: "all of it"}, func(n int, err error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if ended = true; n != 300 || err != nil {
				t.Errorf("got %d changed, %v, want 300", n, err)
			}
		})
		b.d.Poke(true, false)
		b.pass(time.Minute)
		b.mu.Lock()
		defer b.mu.Unlock()
		if !ended || between == 0 {
			t.Errorf("the operation has ended: %v; %d live deliveries went between its parts", ended, between)
		}
	})
}

func TestAnOperationThatCannotBeDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, billing())
		b.finish("one")
		b.one()
		for name, o := range map[string]kapivara.Operation{
			"a number that is not there": {Verb: kapivara.Park, Numbers: numbered(1, 2)},
			"a stream that is not there": {Verb: kapivara.Park, Stream: stream("two")},
		} {
			got := make(chan error, 1)
			b.d.Operate("billing", o, func(_ int, err error) { got <- err })
			synctest.Wait()
			if err := <-got; codeOf(err) != kapivara.NotFound {
				t.Errorf("%s: got %v", name, err)
			}
		}
		got := make(chan error, 1)
		b.d.Replay("nobody", kapivara.Replay{}, func(_ int, err error) { got <- err })
		if err := <-got; !errors.Is(err, kapivara.ErrOffDuty) { // others may know it
			t.Errorf("a subscriber that is not there: got %v", err)
		}
		b.operates(kapivara.Operation{Verb: kapivara.Park, Numbers: numbered(1)}, 1)
		b.d.Stop()
		b.d.Operate("billing", kapivara.Operation{Verb: kapivara.Park, Numbers: numbered(1)}, func(_ int, err error) { got <- err })
		if err := <-got; !errors.Is(err, kapivara.ErrOffDuty) {
			t.Errorf("a dispatcher that has stopped: got %v", err)
		}
	})
}
