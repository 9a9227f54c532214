package dispatcher_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
)

// pulls asks a dispatcher for up to ten deliveries of s0 that are there now.
func (m *team) pulls(a *teammate) []kapivara.Delivery {
	m.t.Helper()
	got := make(chan pulled, 1)
	a.d.Next("s0", kapivara.NextQuery{Batch: 10}, func(deliveries []kapivara.Delivery, err error) {
		got <- pulled{deliveries: deliveries, err: err}
	})
	p := <-got
	if p.err != nil {
		m.t.Fatal(p.err)
	}
	return p.deliveries
}

// What a pull has, it has until its deadline, whoever takes the subscriber over: neither another pull nor a node that comes
// gets the same attempt beside it. What met nobody, nobody has: it is there for the next pull at once.
func TestWhatAPullHasIsNotHandedOutAgainByTheNextDispatcher(t *testing.T) {
	for name, c := range map[string]struct {
		attempt int
		pull    func(m *team, a *teammate) []kapivara.Delivery
	}{
		"leased for the pull": {1, func(m *team, a *teammate) []kapivara.Delivery {
			m.finish("zero")
			m.pass(100 * time.Millisecond) // the one that tries whether anybody listens
			m.reply(m.pulls(a)[0], ack)
			m.finish("one")
			return m.pulls(a)
		}},
		"met nobody, and its lease is long over": {1, func(m *team, a *teammate) []kapivara.Delivery {
			m.finish("one")
			m.pass(10 * time.Minute)
			return m.pulls(a)
		}},
		"a later attempt": {2, func(m *team, a *teammate) []kapivara.Delivery {
			m.finish("one")
			m.pass(100 * time.Millisecond)
			m.reply(m.pulls(a)[0], nak)
			m.pass(1500 * time.Millisecond)
			return m.pulls(a)
		}},
	} {
		for how, end := range map[string]func(*teammate){"killed": (*teammate).kill, "stopped": func(a *teammate) { a.d.Stop() }} {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newTeam(t, 1)
					m.deaf = true
					first := m.join()
					m.pass(time.Second)
					got := c.pull(m, first)
					if len(got) != 1 || got[0].Stream != stream("one") || got[0].Attempt != c.attempt {
						t.Fatalf("got %v, want attempt %d of one", brief(got), c.attempt)
					}
					m.finish("two")
					m.pass(time.Second) // it is sent, and meets nobody, where there is room
					end(first)
					second := m.join()
					m.pass(3 * time.Second)
					m.takeSent()
					for _, d := range m.pulls(second) {
						if d.Stream == stream("one") {
							t.Errorf("%v is handed out again", brief([]kapivara.Delivery{d}))
						}
					}
					m.deaf, m.quiet = false, true
					m.pass(5 * time.Second)
					for _, d := range m.takeSent() {
						if d.Stream == stream("one") {
							t.Errorf("%v is sent although a pull has it", brief([]kapivara.Delivery{d}))
						}
					}
					m.quiet = false
					m.reply(got[0], ack)
					m.pass(time.Minute)
					if m.settled[got[0].Token] != kapivara.Committed {
						t.Error("its commit was not confirmed")
					}
				})
			})
		}
	}
}

// The deadline of what a pull had holds at the next dispatcher, too: then it comes as the next attempt.
func TestWhatAPullHadComesAgainAfterItsDeadlineAtTheNextDispatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTeam(t, 1)
		m.deaf = true
		first := m.join()
		m.finish("one")
		m.pass(10 * time.Minute)
		if got := m.pulls(first); len(got) != 1 {
			t.Fatalf("got %v, want one", brief(got))
		}
		first.kill()
		second := m.join()
		m.pass(28 * time.Second)
		if got := m.pulls(second); len(got) != 0 {
			t.Errorf("got %v before the deadline", brief(got))
		}
		m.pass(5 * time.Second)
		if got := m.pulls(second); len(got) != 1 || got[0].Attempt != 2 {
			t.Errorf("got %v after deadline and backoff, want attempt 2", brief(got))
		}
	})
}

// What met nobody is nobody's also for the next dispatcher, however long its lease is over: it keeps its attempt.
func TestWhatMetNobodyIsThereForThePullAtTheNextDispatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTeam(t, 1)
		m.deaf = true
		first := m.join()
		m.finish("one")
		m.pass(10 * time.Second)
		first.kill()
		second := m.join()
		m.pass(3 * time.Second)
		if got := m.pulls(second); len(got) != 1 || got[0].Attempt != 1 {
			t.Errorf("got %v, want the first attempt", brief(got))
		}
	})
}

// A pull without a wait gets what met nobody also while the store is busy with a turn.
func TestAPullWithoutAWaitDoesNotMissWhatMetNobodyDuringATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{}
		b := startOn(t, store, billing(func(s *kapivara.Subscriber) { s.Buckets = 2 }))
		b.hangUp()
		both := map[kapivara.Bucket]bool{} // nothing but one delivery waits in each
		for _, name := range []string{"one", "two", "three", "four", "five", "six"} {
			if bucket := kapivara.BucketOf(stream(name).Hash(), false, 2, 0); !both[bucket] {
				both[bucket] = true
				b.finish(name)
			}
		}
		b.pass(3 * time.Second)
		first := b.pullsOne(wait(0))
		store.set(func() error { time.Sleep(200 * time.Millisecond); return nil }, nil)
		b.d.Settle(first.Subscriber, first.Token, ack, func(kapivara.Settled, error) {}) // makes the turn
		synctest.Wait()
		got := b.next(wait(0))
		if p := <-got; p.err != nil || len(p.deliveries) != 1 {
			t.Errorf("got %v, %v, want one", brief(p.deliveries), p.err)
		}
	})
}

// What could not be handed over is nobody's at the next dispatcher, too, once a turn has taken it back.
func TestWhatAPullDidNotGetIsNobodysAtTheNextDispatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{}
		b := startOn(t, store, billing(func(s *kapivara.Subscriber) { s.Buckets = 2 }))
		b.hangUp()
		b.finish("one")
		b.pass(3 * time.Second)
		store.set(func() error { time.Sleep(4 * time.Second); return nil }, nil)
		waiting := b.next(wait(time.Second))
		if p := <-waiting; len(p.deliveries) != 0 {
			t.Fatalf("got %v four seconds late", brief(p.deliveries))
		}
		store.set(nil, nil)
		if n := b.store.All()[0]; !n.Lease.Pulled || n.Lease.Attempt != 1 {
			t.Fatalf("it is %+v, want it lent", n.Lease)
		}
		for _, name := range []string{"two", "three", "four", "five"} {
			b.finish(name) // some turn
		}
		b.pass(time.Second)
		if n := b.store.All()[0]; n.Lease.Pulled || n.Lease.State != kapivara.Leased || n.Lease.Attempt != 1 {
			t.Errorf("it is %+v, want it taken back", n.Lease)
		}
		b.d.Stop()
		b.begin(store)
		b.pass(2 * time.Second)
		if d := b.pulls(kapivara.NextQuery{Batch: 5}); len(d) == 0 || d[0].Stream != stream("one") || d[0].Attempt != 1 {
			t.Errorf("got %v, want the first attempt of one", brief(d))
		}
	})
}
