package dispatcher_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
)

// team are dispatchers on one store. What is answered reaches all of them, as on NATS.
type team struct {
	t interface {
		Helper()
		Error(args ...any)
		Errorf(format string, args ...any)
		Fatal(args ...any)
	}
	log   *slog.Logger
	store *memory.Dispatch

	mu      sync.Mutex
	members []*teammate
	sent    []kapivara.Delivery // in the order of the sendings
	quiet   bool                // the nodes do not answer
	deaf    bool                // no node listens
	faults  []string
	settled map[string]kapivara.State // confirmed, by token
	final   map[string]int            // confirmed commits by subscriber and number, with the attempt
}

// teammate is a dispatcher whose store can hang, and fail for ever.
type teammate struct {
	*memory.Dispatch
	team *team
	d    *dispatcher.Dispatcher
	name string
	mu   sync.Mutex
	ice  chan struct{}
	dead bool
}

func newTeam(t *testing.T, subscribers int) *team {
	t.Helper()
	m := &team{t: t, log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	m.subscribe(subscribers)
	t.Cleanup(m.stop)
	return m
}

// subscribe makes the store.
func (m *team) subscribe(subscribers int, change ...func(*kapivara.Subscriber)) {
	m.store, m.settled, m.final = memory.NewDispatch(time.Now), map[string]kapivara.State{}, map[string]int{}
	for i := range subscribers {
		name := func(s *kapivara.Subscriber) { s.Name = fmt.Sprintf("s%d", i) }
		m.store.Subscribe(billing(append(change, name)...))
	}
}

// stop ends all dispatchers.
func (m *team) stop() {
	for _, a := range m.members {
		a.thaw()
		a.d.Stop()
	}
}

// join adds a dispatcher.
func (m *team) join() *teammate {
	m.t.Helper()
	a := &teammate{Dispatch: m.store, team: m, name: fmt.Sprintf("d%d", len(m.members))}
	a.d = dispatcher.New(a, a, dispatcher.Config{Holder: a.name}, m.log)
	m.mu.Lock()
	m.members = append(m.members, a)
	m.mu.Unlock()
	if err := a.d.Start(context.Background()); err != nil {
		m.t.Fatal(err)
	}
	synctest.Wait()
	return a
}

func (a *teammate) freeze() { a.mu.Lock(); a.ice = make(chan struct{}); a.mu.Unlock() }

func (a *teammate) thaw() {
	a.mu.Lock()
	if a.ice != nil {
		close(a.ice)
		a.ice = nil
	}
	a.mu.Unlock()
}

// kill lets nothing of the dispatcher reach the store or a node any more.
func (a *teammate) kill() { a.mu.Lock(); a.dead = true; a.mu.Unlock() }

func (a *teammate) isDead() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.dead }

// reach waits while the store hangs, and fails where the dispatcher is dead.
func (a *teammate) reach() error {
	a.mu.Lock()
	ice, dead := a.ice, a.dead
	a.mu.Unlock()
	if ice != nil {
		<-ice
	}
	if dead {
		return errCut
	}
	return nil
}

func (a *teammate) Join(ctx context.Context, name string, ttl time.Duration) (int32, error) {
	if err := a.reach(); err != nil {
		return 0, err
	}
	return a.Dispatch.Join(ctx, name, ttl)
}

func (a *teammate) Keep(ctx context.Context, run int32, ttl time.Duration) (time.Time, error) {
	if err := a.reach(); err != nil {
		return time.Time{}, err
	}
	return a.Dispatch.Keep(ctx, run, ttl)
}

func (a *teammate) Leave(ctx context.Context, run int32) error {
	if err := a.reach(); err != nil {
		return err
	}
	return a.Dispatch.Leave(ctx, run)
}

func (a *teammate) Survey(ctx context.Context, run int32, most int) (*kapivara.Survey, error) {
	if err := a.reach(); err != nil {
		return nil, err
	}
	return a.Dispatch.Survey(ctx, run, most)
}

func (a *teammate) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	if err := a.reach(); err != nil {
		return time.Time{}, err
	}
	return a.Dispatch.Turn(ctx, turn)
}

// Send plays the nodes: each acknowledges what it gets, unless all are quiet.
func (a *teammate) Send(d *kapivara.Delivery) error {
	if a.isDead() {
		return nil
	}
	m := a.team
	m.mu.Lock()
	if attempt := m.final[placeIn(d)]; attempt > 0 {
		m.faults = append(m.faults, fmt.Sprintf("%v was sent by %s after its confirmed commit", brief([]kapivara.Delivery{*d}), a.name))
	}
	m.sent = append(m.sent, *d)
	quiet, deaf := m.quiet, m.deaf
	m.mu.Unlock()
	switch {
	case deaf:
		a.d.NoResponders(d.Token)
	case !quiet:
		m.reply(*d, ack)
	}
	return nil
}

func (a *teammate) Notify(string, *kapivara.DeliveryRow) {}

func placeIn(d *kapivara.Delivery) string {
	return fmt.Sprintf("%s/%s/%d", d.Subscriber, d.Bucket, d.Number)
}

// reply answers to all dispatchers. Two confirmations must not contradict each other.
func (m *team) reply(d kapivara.Delivery, a kapivara.Answer) {
	m.mu.Lock()
	members := slices.Clone(m.members)
	m.mu.Unlock()
	for _, to := range members {
		to.d.Answered(d.Subscriber, d.Token, a, func(s kapivara.Settled, err error) {
			if to.isDead() {
				return
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			// Where the dispatcher before has done what was answered and gone on, whoever repeats it is told so.
			if code := codeOf(err); code == kapivara.StaleToken && (a.Verdict != kapivara.Nak || !m.beyond(&d)) || code == kapivara.InvalidRequest {
				m.faults = append(m.faults, fmt.Sprintf("%s refuses an honest answer to %v: %v", to.name, brief([]kapivara.Delivery{d}), err))
			}
			if err != nil {
				return
			}
			before, known := m.settled[d.Token]
			if known && before != s.State || a.Verdict == kapivara.Ack && s.State != kapivara.Committed {
				m.faults = append(m.faults, fmt.Sprintf("%s confirms %s of %v as %s, before it was %q", to.name, a.Verdict, brief([]kapivara.Delivery{d}), s.State, before))
			}
			m.settled[d.Token] = s.State
			if s.State == kapivara.Committed {
				m.final[placeIn(&d)] = d.Attempt
			}
		})
	}
}

// beyond tells whether a later attempt than the delivery's has begun.
func (m *team) beyond(d *kapivara.Delivery) bool {
	return slices.ContainsFunc(m.store.All(), func(n kapivara.Numbered) bool {
		return n.Name == d.Stream && n.Number == d.Number && fmt.Sprintf("s%d", n.Due.Subscriber-1) == d.Subscriber && n.Lease.Attempt > d.Attempt
	})
}

func (m *team) finish(names ...string) {
	for _, name := range names {
		m.store.Finish(stream(name), 2, false)
	}
	m.mu.Lock()
	members := slices.Clone(m.members)
	m.mu.Unlock()
	for _, a := range members {
		a.d.Poke(true, false)
	}
	synctest.Wait()
}

func (m *team) pass(d time.Duration) {
	time.Sleep(d) // the bubble's time
	synctest.Wait()
}

func (m *team) takeSent() []kapivara.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	sent := m.sent
	m.sent = nil
	return sent
}

// once holds that each of so many subscribers got the stream, once.
func (m *team) once(name string, subscribers int) []kapivara.Delivery {
	m.t.Helper()
	sent, got := m.takeSent(), map[string]bool{}
	for _, d := range sent {
		if d.Stream != stream(name) || got[d.Subscriber] {
			m.t.Errorf("%v came, want %s once for each", brief([]kapivara.Delivery{d}), name)
		}
		got[d.Subscriber] = true
	}
	if len(got) != subscribers {
		m.t.Errorf("%s came to %d subscribers, want %d", name, len(got), subscribers)
	}
	return sent
}

// shares are how many subscribers each living dispatcher has, sorted.
func (m *team) shares(want ...int) {
	m.t.Helper()
	s, err := m.store.Survey(context.Background(), 0, 99)
	if err != nil {
		m.t.Fatal(err)
	}
	got := []int{}
	for _, l := range s.Living {
		got = append(got, l.Duties)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || len(s.Free) > 0 {
		m.t.Errorf("the dispatchers have %v and %d are free, want %v", got, len(s.Free), want)
	}
}

// end holds that all of it is committed and nothing went wrong.
func (m *team) end(deliveries int) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.faults {
		m.t.Error(f)
	}
	all := m.store.All()
	for _, n := range all {
		if n.Lease.State != kapivara.Committed {
			m.t.Errorf("%s of subscriber %d is %s at attempt %d", n.Name, n.Due.Subscriber, n.Lease.State, n.Lease.Attempt)
		}
	}
	if len(all) != deliveries || m.store.Pending() != 0 {
		m.t.Errorf("got %d deliveries and %d wait, want %d and none", len(all), m.store.Pending(), deliveries)
	}
}

// Each works for its share; who joins gets some, and what one leaves by a stop goes to the others.
func TestDispatchersShareTheSubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTeam(t, 7)
		first := m.join()
		m.finish("one")
		m.once("one", 7)
		m.shares(7)
		m.join()
		m.join()
		m.pass(2 * time.Second)
		m.shares(2, 2, 3)
		m.finish("two")
		m.once("two", 7)
		first.d.Stop()
		m.pass(time.Second)
		m.shares(3, 4)
		m.finish("three")
		m.once("three", 7)
		m.pass(time.Minute)
		m.end(21)
	})
}

// What is out when a subscriber goes to another dispatcher is neither sent again nor stale there (I-15).
func TestWhatIsOutOutlivesTheMoveOfItsSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTeam(t, 4)
		m.join()
		m.quiet = true
		m.finish("one", "two")
		out := m.once("one", 4)
		m.join()
		m.pass(2 * time.Second)
		m.shares(2, 2)
		if sent := m.takeSent(); len(sent) > 0 {
			t.Errorf("the move has sent %v", brief(sent))
		}
		m.quiet = false
		for _, d := range out {
			m.reply(d, ack)
		}
		synctest.Wait()
		m.once("two", 4)
		m.pass(time.Minute)
		m.end(8)
	})
}

// A dispatcher dies; what it had sent is answered before anybody has its subscribers. The answers count, and after 2 s
// everything goes on (I-15).
func TestAnswersOutliveTheDispatcherThatIsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTeam(t, 4)
		first := m.join()
		m.join()
		m.pass(2 * time.Second)
		m.shares(2, 2)
		m.quiet = true
		m.finish("one", "two")
		out := m.once("one", 4)
		first.kill()
		m.pass(300 * time.Millisecond)
		m.quiet = false
		for _, d := range out {
			m.reply(d, ack)
		}
		m.pass(1700 * time.Millisecond)
		m.shares(4)
		m.once("two", 4)
		m.pass(time.Minute)
		for _, d := range out {
			if m.settled[d.Token] != kapivara.Committed {
				t.Errorf("the answer to %v was not confirmed", brief([]kapivara.Delivery{d}))
			}
		}
		m.end(8)
	})
}

// A dispatcher stands still for longer than its run lives, with a turn on its way, and wakes up: it has changed nothing,
// confirms nothing wrong, sends nothing of others, and works again under a new number (I-16).
func TestADispatcherThatWakesUpTooLateChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTeam(t, 4)
		first := m.join()
		m.join()
		m.pass(2 * time.Second)
		run := first.d.Run()
		m.quiet = true
		m.finish("one", "two")
		out := m.once("one", 4)
		first.freeze()
		for _, d := range out {
			m.reply(d, nak) // the turns of the first hang
		}
		m.pass(3 * time.Second)
		second := m.takeSent()
		if len(second) == 0 {
			t.Fatal("nobody took over")
		}
		first.thaw()
		m.pass(2 * time.Second)
		m.quiet = false
		for _, d := range append(second, m.takeSent()...) {
			m.reply(d, ack)
		}
		m.pass(time.Minute)
		m.shares(2, 2)
		if now := first.d.Run(); now == run || now == 0 {
			t.Errorf("the first is at work in run %d, before it was %d", now, run)
		}
		m.end(8)
	})
}

// A subscriber that is lost in the middle of a turn does not lose the others' work.
func TestALostSubscriberLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTeam(t, 3)
		first := m.join()
		m.quiet = true
		m.finish("one")
		out := m.once("one", 3)
		stranger, err := m.store.Join(t.Context(), "stranger", 1200*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.store.GiveDuties(t.Context(), first.d.Run(), []int32{1}); err != nil {
			t.Fatal(err)
		}
		if taken, err := m.store.TakeDuties(t.Context(), stranger, []int32{1}); len(taken) != 1 || err != nil {
			t.Fatal(taken, err)
		}
		for _, d := range out {
			m.reply(d, ack)
		}
		synctest.Wait()
		committed := 0
		for _, n := range m.store.All() {
			if n.Lease.State == kapivara.Committed {
				if committed++; n.Due.Subscriber == 1 {
					t.Error("a commit was written for another dispatcher's subscriber")
				}
			}
		}
		if committed != 2 {
			t.Errorf("%d of the others' answers are durable, want 2", committed)
		}
		m.quiet = false
		m.pass(time.Minute) // the stranger is dead by now
		m.end(3)
	})
}

// A request for another's subscriber is for whoever has the duty, and is told so at once.
func TestARequestForAnothersSubscriberIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTeam(t, 2)
		first, second := m.join(), m.join()
		m.pass(2 * time.Second)
		m.quiet = true
		m.finish("one")
		for _, d := range m.once("one", 2) {
			owner, err := first.d.Owner(t.Context(), d.Subscriber)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range []*teammate{first, second} {
				told := make(chan error, 1)
				a.d.Settle(d.Subscriber, d.Token, ack, func(_ kapivara.Settled, err error) { told <- err })
				synctest.Wait()
				if err := <-told; errors.Is(err, kapivara.ErrOffDuty) == (a.d.Run() == owner) {
					t.Errorf("run %d answers %v for a subscriber of run %d", a.d.Run(), err, owner)
				}
			}
		}
		m.end(2)
	})
}

// A dispatcher that has lost the bus and reaches the store leaves its subscribers to those that reach both.
func TestADispatcherWithoutTheBusLeavesItsSubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newTeam(t, 2)
		var mu sync.Mutex
		connected := true
		is := func() bool { mu.Lock(); defer mu.Unlock(); return connected }
		set := func(c bool) { mu.Lock(); defer mu.Unlock(); connected = c }
		lone := dispatcher.New(m.store, &bench{t: t}, dispatcher.Config{Connected: is}, slog.New(slog.DiscardHandler))
		if err := lone.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(lone.Stop)
		synctest.Wait()
		m.shares(2)
		set(false)
		m.pass(time.Second)
		m.shares(2) // it may come back
		m.join()
		m.pass(2 * time.Second)
		m.shares(2)
		if lone.Run() != 0 {
			t.Error("it goes on without the bus")
		}
		set(true)
		m.pass(2 * time.Second)
		m.shares(1, 1)
	})
}
