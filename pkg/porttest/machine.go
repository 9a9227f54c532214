package porttest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
)

// MachineStore is a store whose whole state the machine looks at. Its clock is the bubble's (testing/synctest).
type MachineStore interface {
	DispatchStore
	// All gives every numbered delivery, by bucket and number.
	All() []kapivara.Numbered
	// Waiting gives what is due and not yet leased, without replays, in log order.
	Waiting() []kapivara.Waiting
	// Pending counts what is due and not yet leased, replays included.
	Pending() int
	// Claims gives who has the buckets of a subscriber.
	Claims(subscriber string) map[kapivara.Bucket]kapivara.Claim
	// Close ends what the store has opened.
	Close()
}

// Machine plays streams that grow and are finished, both modes and their switches, changes of layout, answers of every
// kind, silence, nobody listening, operators' verbs and replays, lost connections, claims and releases, kills and restarts
// in any order, and holds every sending and every confirmation against invariants I-11 to I-20. It makes runs of so many
// rounds of some thirty actions, and fails where fewer than the wanted steps were done, a twentieth with -short; one that
// was skipped does not count. open makes an empty store; it is called in a bubble. cfg is the dispatchers': what they do in
// vain costs a slow store time.
func Machine(t *testing.T, cfg dispatcher.Config, rounds, want int, open func() MachineStore) {
	t.Helper()
	if testing.Short() {
		want /= 20
	}
	var done tally
	for begun := -1; begun < done.steps && done.steps < want && !t.Failed(); {
		begun = done.steps
		rapid.Check(t, func(r *rapid.T) {
			if done.steps >= want && !t.Failed() {
				return // rapid goes on to its hundred runs
			}
			inBubble(t, func() { play(t, r, cfg, rounds, open(), &done) })
		})
	}
	t.Logf("%d steps, %d deliveries sent or pulled", done.steps, done.given)
	if done.steps < want {
		t.Errorf("did %d steps, want %d", done.steps, want)
	}
}

// tally counts what was done in all runs.
type tally struct{ steps, given int }

func play(t *testing.T, r *rapid.T, cfg dispatcher.Config, rounds int, store MachineStore, done *tally) {
	w := newMachine(t, r, cfg, store)
	defer w.end()
	actions := w.actions(&done.steps)
	for range rounds {
		r.Repeat(actions)
	}
	w.heal()
	w.mu.Lock()
	done.given += len(w.sent)
	w.mu.Unlock()
}

// actions are the machine's; done counts those that were not skipped.
func (w *machine) actions(done *int) map[string]func(*rapid.T) {
	actions := map[string]func(*rapid.T){
		"finish":  w.finish,
		"begin":   w.beginStreams,
		"append":  w.append,
		"append2": w.append,
		"mode":    w.mode,
		"resize":  w.resize,
		"place":   w.place,
		"answer":  w.answer,
		"answer2": w.answer,
		"late":    w.answerLate,
		"time":    w.pass,
		"listen":  w.listen,
		"slow":    w.slowDown,
		"lose":    w.lose,
		"kill":    w.kill,
		"operate": w.operate,
		"replay":  w.replay,
		"restart": w.restart,
		"claim":   w.claim,
		"release": w.release,
		"leave":   w.leave,
		"pull":    w.pull,
	}
	for name, act := range actions {
		actions[name] = func(r *rapid.T) {
			act(r)
			*done++
		}
	}
	actions[""] = w.check
	return actions
}

// inBubble runs f in a bubble of its own time. A panic, by which rapid ends a run, leaves it.
func inBubble(t *testing.T, f func()) {
	t.Helper()
	var reason any
	synctest.Test(t, func(*testing.T) {
		defer func() { reason = recover() }()
		f()
	})
	if reason != nil {
		panic(reason)
	}
}

// machine is a store, its dispatchers one after another, and nodes that answer what the test draws.
type machine struct {
	t          *testing.T
	r          *rapid.T
	store      MachineStore
	key        []byte
	subscriber kapivara.Subscriber
	cfg        dispatcher.Config
	lag        int          // how often a look takes its time, so that turns overtake it
	link       *machineLink // of the dispatcher that lives

	mu        sync.Mutex
	deaf      bool
	slow      time.Duration // of the store
	healed    bool
	streams   map[kapivara.Stream]*machineStream
	names     []kapivara.Stream
	sent      []kapivara.Delivery
	seen      map[place]kapivara.Delivery // the first sending
	attempts  map[place]int               // the highest sent
	committed map[place]int               // confirmed, with the attempt
	pulled    map[string]bool             // tokens that a pull was given
	notBefore map[place]time.Time         // confirmed
	taken     map[place]taken             // by an operator, confirmed
	operating int                         // operations on their way
	retries   int                         // that an operator may have made
	faults    []string
	owners    owners
	pace      pace
}

type place struct {
	bucket kapivara.Bucket
	number int64
}

func placeOf(d *kapivara.Delivery) place { return place{d.Bucket, d.Number} }

func newMachine(t *testing.T, r *rapid.T, cfg dispatcher.Config, store MachineStore) *machine {
	s := kapivara.NewSubscriber("billing")
	s.Buckets = rapid.IntRange(1, 3).Draw(r, "buckets")
	s.MaxInFlight = rapid.IntRange(1, 3).Draw(r, "max_in_flight")
	s.MaxAttempts = rapid.IntRange(0, 3).Draw(r, "max_attempts")
	s.AckWait = time.Duration(rapid.IntRange(1, 5).Draw(r, "ack_wait")) * time.Second
	s.Backoff = []time.Duration{time.Second, 4 * time.Second}
	s.Deliver = drawMode(r)
	w := &machine{
		cfg: cfg, lag: rapid.SampledFrom([]int{1, 8}).Draw(r, "lag"),
		t: t, r: r, store: store, subscriber: s, streams: map[kapivara.Stream]*machineStream{}, seen: map[place]kapivara.Delivery{},
		attempts: map[place]int{}, committed: map[place]int{}, notBefore: map[place]time.Time{}, taken: map[place]taken{},
		pulled: map[string]bool{}, owners: newOwners(),
	}
	w.cfg.Hidden = rapid.IntRange(1, 3).Draw(r, "hidden in memory")
	store.Subscribe(s)
	var err error
	if w.key, err = store.TokenKey(context.Background()); err != nil {
		r.Fatal(err)
	}
	w.begin()
	return w
}

// begin starts another dispatcher.
func (w *machine) begin() {
	w.link = &machineLink{MachineStore: w.store, w: w}
	w.link.d = dispatcher.New(w.link, w.link, w.cfg, slog.New(slog.DiscardHandler))
	if err := w.link.d.Start(context.Background()); err != nil {
		w.r.Fatal(err)
	}
	synctest.Wait()
}

func (w *machine) end() {
	w.link.d.Stop()
	synctest.Wait()
	w.store.Close()
}

// errorf fails the run. It also tells so at once: what hangs on the order of goroutines rapid may not find again.
func (w *machine) errorf(format string, args ...any) {
	w.t.Helper()
	w.t.Logf(format, args...)
	w.r.Errorf(format, args...)
}

func (w *machine) fatalf(format string, args ...any) {
	w.t.Helper()
	w.errorf(format, args...)
	w.r.FailNow()
}
