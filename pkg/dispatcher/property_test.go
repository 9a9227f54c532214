package dispatcher_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
)

// TestTheBusKeepsItsPromises plays finished streams, answers of every kind, silence, nobody listening, operators' verbs and
// replays, lost connections, claims and releases, kills and restarts in any order, and holds every sending and confirmation
// against invariants I-12 to I-20.
func TestTheBusKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		inBubble(t, func() {
			w := newWorld(r)
			defer w.end()
			r.Repeat(map[string]func(*rapid.T){
				"finish":  w.finish,
				"resize":  w.resize,
				"place":   w.place,
				"answer":  w.answer,
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
				"":        w.check,
			})
			w.heal()
		})
	})
}

// inBubble runs f in a bubble of its own time. A panic, by which rapid ends a run, leaves it.
func inBubble(t *testing.T, f func()) {
	var reason any
	synctest.Test(t, func(*testing.T) {
		defer func() { reason = recover() }()
		f()
	})
	if reason != nil {
		panic(reason)
	}
}

// world is a store, its dispatchers one after another, and nodes that answer what the test draws.
type world struct {
	r          *rapid.T
	store      *memory.Dispatch
	subscriber kapivara.Subscriber
	hidden     int   // in memory
	link       *link // of the dispatcher that lives

	mu        sync.Mutex
	deaf      bool
	slow      time.Duration // of the store
	healed    bool
	finished  int
	sent      []kapivara.Delivery
	attempts  map[place]int // the highest sent
	firsts    map[kapivara.Bucket]int64
	committed map[place]int       // confirmed, with the attempt
	notBefore map[place]time.Time // confirmed
	taken     map[place]taken     // by an operator, confirmed
	operating int                 // operations on their way
	retries   int                 // that an operator may have made
	replays   bool                // an operator may have replayed something
	faults    []string
	owners    owners
}

type place struct {
	bucket kapivara.Bucket
	number int64
}

func placeOf(d *kapivara.Delivery) place { return place{d.Bucket, d.Number} }

func newWorld(r *rapid.T) *world {
	s := kapivara.NewSubscriber("billing")
	s.Buckets = rapid.IntRange(1, 3).Draw(r, "buckets")
	s.MaxInFlight = rapid.IntRange(1, 3).Draw(r, "max_in_flight")
	s.MaxAttempts = rapid.IntRange(0, 3).Draw(r, "max_attempts")
	s.AckWait = time.Duration(rapid.IntRange(1, 5).Draw(r, "ack_wait")) * time.Second
	s.Backoff = []time.Duration{time.Second, 4 * time.Second}
	w := &world{
		hidden: rapid.IntRange(1, 3).Draw(r, "hidden in memory"),
		r:      r, store: memory.NewDispatch(time.Now), subscriber: s, attempts: map[place]int{},
		firsts: map[kapivara.Bucket]int64{}, committed: map[place]int{}, notBefore: map[place]time.Time{},
		owners: newOwners(),
		taken:  map[place]taken{},
	}
	w.store.Subscribe(s)
	w.begin()
	return w
}

// link joins a dispatcher to the world, until it is cut.
type link struct {
	*memory.Dispatch
	w       *world
	d       *dispatcher.Dispatcher
	mu      sync.Mutex
	cut     bool
	unknown int // of the next turn: 1 it is not done, 2 it is, and nobody knows
}

func (w *world) begin() {
	w.link = &link{Dispatch: w.store, w: w}
	w.link.d = dispatcher.New(w.link, w.link, dispatcher.Config{Hidden: w.hidden}, slog.New(slog.DiscardHandler))
	if err := w.link.d.Start(context.Background()); err != nil {
		w.r.Fatal(err)
	}
	synctest.Wait()
}

var errCut = kapivara.Refuse(kapivara.Unavailable, "cut")

func (l *link) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

func (l *link) Keep(ctx context.Context, run int32, ttl time.Duration) (time.Time, error) {
	if l.isCut() {
		return time.Time{}, errCut
	}
	return l.Dispatch.Keep(ctx, run, ttl)
}

func (l *link) Join(ctx context.Context, name string, ttl time.Duration) (int32, error) {
	if l.isCut() {
		return 0, errCut
	}
	return l.Dispatch.Join(ctx, name, ttl)
}

func (l *link) Leave(ctx context.Context, run int32) error {
	if l.isCut() {
		return errCut
	}
	return l.Dispatch.Leave(ctx, run)
}

func (l *link) Survey(ctx context.Context, run int32, most int) (*kapivara.Survey, error) {
	if l.isCut() {
		return nil, errCut
	}
	return l.Dispatch.Survey(ctx, run, most)
}

func (l *link) TakeDuties(ctx context.Context, run int32, subscribers []int32) ([]kapivara.Duty, error) {
	if l.isCut() {
		return nil, errCut
	}
	return l.Dispatch.TakeDuties(ctx, run, subscribers)
}

// take lets a call take its time.
func (l *link) take() {
	l.w.mu.Lock()
	slow := l.w.slow
	l.w.mu.Unlock()
	time.Sleep(slow)
}

func (l *link) Look(
	ctx context.Context, lanes []kapivara.LaneQuery, after kapivara.DueMark, limit int,
) (*kapivara.Look, error) {
	look, err := l.Dispatch.Look(ctx, lanes, after, limit)
	l.take()
	return look, err
}

func (l *link) Deliveries(ctx context.Context, refs []kapivara.Ref) ([]kapivara.Numbered, error) {
	found, err := l.Dispatch.Deliveries(ctx, refs)
	l.take()
	return found, err
}

func (l *link) Events(
	ctx context.Context, stretches []kapivara.Stretch, limit int, each func(int, []kapivara.Event) error,
) error {
	l.take()
	return l.Dispatch.Events(ctx, stretches, limit, each)
}

func (l *link) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	l.take()
	l.mu.Lock()
	cut, unknown := l.cut, l.unknown
	l.unknown = 0
	l.mu.Unlock()
	if cut || unknown == 1 {
		return time.Time{}, kapivara.Refuse(kapivara.OutcomeUnknown, "lost")
	}
	before := l.Claims(l.w.subscriber.Name)
	l.w.mu.Lock()
	l.w.owners.before = before
	l.w.mu.Unlock()
	now, err := l.Dispatch.Turn(ctx, turn)
	if err == nil {
		l.w.lowestFirst(turn)
	}
	if unknown == 2 {
		return time.Time{}, kapivara.Refuse(kapivara.OutcomeUnknown, "lost")
	}
	return now, err
}

// Send holds every sending against the promises.
func (l *link) Send(d *kapivara.Delivery) error {
	if l.isCut() {
		return nil
	}
	w := l.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.given(d)
	delete(w.owners.nobodys, d.Token)
	switch {
	case w.deaf || w.owners.away[d.Node]:
		w.owners.nobodys[d.Token] = true
		l.d.NoResponders(d.Token)
	case w.healed:
		l.d.Settle(d.Subscriber, d.Token, ack, nil)
	}
	return nil
}

// given holds what is sent or handed out against the promises.
func (w *world) given(d *kapivara.Delivery) {
	w.sent = append(w.sent, *d)
	at := placeOf(d)
	if len(d.Events) != d.To || d.From != 1 || d.To != d.Finish || !d.Complete {
		w.fault(d, "is not the whole stream")
	}
	for i := range d.Events {
		if d.Events[i].Position != i+1 || d.Events[i].Stream != d.Stream {
			w.fault(d, "has event %d at place %d", d.Events[i].Position, i)
		}
	}
	if b := ruleOf(d); b != d.Bucket {
		w.fault(d, "belongs into bucket %s", b)
	}
	if attempt, ok := w.committed[at]; ok {
		w.fault(d, "was confirmed as committed at attempt %d", attempt)
	}
	if t, ok := w.taken[at]; ok && d.Attempt <= t.attempt && time.Now().After(t.at) {
		w.fault(d, "was taken away at attempt %d and is %s", t.attempt, t.state)
	} else if ok && t.state != kapivara.Hidden && time.Now().After(t.at) {
		w.fault(d, "is %s", t.state)
	}
	if until := w.notBefore[at]; time.Now().Before(until) && !w.taken[at].at.Equal(time.Now()) {
		w.fault(d, "is hidden for %v yet", time.Until(until))
	}
	if d.Attempt < w.attempts[at] {
		w.fault(d, "comes after attempt %d", w.attempts[at])
	}
	w.attempts[at] = max(w.attempts[at], d.Attempt)
	w.durable(d)
	w.addressed(d)
}

func (l *link) Notify(string, *kapivara.DeliveryRow) {}

// durable makes sure that the lease stands in the store, and that no more are leased than may be.
func (w *world) durable(d *kapivara.Delivery) {
	leased, found := 0, false
	for _, n := range w.store.All() {
		if n.Due.Bucket != d.Bucket {
			continue
		}
		if n.Lease.State == kapivara.Leased {
			leased++
		}
		found = found || n.Number == d.Number && n.Name == d.Stream && n.Lease.Attempt >= d.Attempt
	}
	if !found {
		w.fault(d, "is sent without a lease in the store")
	}
	if leased > w.subscriber.MaxInFlight {
		w.fault(d, "is one of %d leased of its bucket", leased)
	}
}

func (w *world) fault(d *kapivara.Delivery, format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf("%v: ", brief([]kapivara.Delivery{*d}))+fmt.Sprintf(format, args...))
}

func (w *world) check(r *rapid.T) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		r.Error(f)
	}
	w.grown(r)
	last := map[kapivara.Bucket]int64{}
	for _, n := range w.store.All() {
		if n.Number != last[n.Due.Bucket]+1 {
			r.Errorf("bucket %s has number %d after %d", n.Due.Bucket, n.Number, last[n.Due.Bucket])
		}
		last[n.Due.Bucket] = n.Number
		if most := w.subscriber.MaxAttempts; most > 0 && n.Lease.Counted > most+w.retries || n.Lease.State == kapivara.Parked && n.Lease.Reason == "" {
			r.Errorf("number %d of bucket %s is %s for %q after %d counted attempts", n.Number, n.Due.Bucket, n.Lease.State, n.Lease.Reason, n.Lease.Counted)
		}
		if attempt, ok := w.committed[place{n.Due.Bucket, n.Number}]; ok && (n.Lease.State != kapivara.Committed || n.Lease.Attempt != attempt) {
			r.Errorf("number %d of bucket %s was confirmed as committed and is %s", n.Number, n.Due.Bucket, n.Lease.State)
		}
	}
	if r.Failed() {
		r.FailNow()
	}
}

func (w *world) finish(r *rapid.T) {
	w.mu.Lock()
	for range rapid.IntRange(1, 5).Draw(r, "streams") {
		w.finished++
		w.store.Finish(stream(fmt.Sprint(w.finished)), rapid.IntRange(1, 3).Draw(r, "events"), rapid.IntRange(0, 3).Draw(r, "canary") == 0)
	}
	w.mu.Unlock()
	if rapid.Bool().Draw(r, "poke") {
		w.link.d.Poke(true, false)
	}
}

func (w *world) answer(r *rapid.T) { w.settle(r, 3) }

func (w *world) answerLate(r *rapid.T) { w.settle(r, 1000) }

// settle answers one of what was sent lately.
func (w *world) settle(r *rapid.T, back int) {
	w.mu.Lock()
	if len(w.sent) == 0 {
		w.mu.Unlock()
		r.Skip("nothing was sent")
	}
	d := w.sent[rapid.IntRange(max(0, len(w.sent)-back), len(w.sent)-1).Draw(r, "delivery")]
	nobodys := w.owners.nobodys[d.Token]
	w.mu.Unlock()
	if nobodys {
		r.Skip("nobody has it")
	}
	a := rapid.SampledFrom([]kapivara.Answer{ack, ack, ack, nak, {Verdict: kapivara.Nak, Delay: 3 * time.Second, Reason: "x"}, progress, term}).Draw(r, "answer")
	if rapid.IntRange(0, 3).Draw(r, "plain") == 0 {
		w.link.d.Settle(d.Subscriber, d.Token, a, nil)
		return
	}
	link := w.link
	link.d.Settle(d.Subscriber, d.Token, a, func(s kapivara.Settled, err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if t, ok := w.taken[placeOf(&d)]; err == nil && ok && d.Attempt <= t.attempt && !link.isCut() {
			w.fault(&d, "takes %s although attempt %d was taken away", a.Verdict, t.attempt)
		}
		if err == nil {
			w.confirmed(&d, a, s)
		}
	})
	if rapid.Bool().Draw(r, "wait") {
		synctest.Wait()
	}
}

func (w *world) confirmed(d *kapivara.Delivery, a kapivara.Answer, s kapivara.Settled) {
	at := placeOf(d)
	w.fenced(d, s)
	switch {
	case a.Verdict == kapivara.Ack && s.State == kapivara.Committed:
		w.committed[at] = d.Attempt
	case a.Verdict == kapivara.Nak && s.State == kapivara.Hidden:
		w.notBefore[at] = s.Until
	case a.Verdict == kapivara.Nak && s.State == kapivara.Parked, a.Verdict == kapivara.Term && s.State == kapivara.Parked,
		a.Verdict == kapivara.Progress && s.State == kapivara.Leased:
	default:
		w.fault(d, "was confirmed as %s after %s", s.State, a.Verdict)
	}
}

func (w *world) pass(r *rapid.T) {
	time.Sleep(rapid.SampledFrom([]time.Duration{
		time.Millisecond, 100 * time.Millisecond, time.Second, 2 * time.Second, 6 * time.Second, time.Minute,
	}).Draw(r, "time"))
	synctest.Wait()
}

func (w *world) listen(r *rapid.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf = rapid.Bool().Draw(r, "deaf")
}

func (w *world) slowDown(r *rapid.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slow = rapid.SampledFrom([]time.Duration{0, time.Millisecond, 20 * time.Millisecond, 300 * time.Millisecond}).Draw(r, "slow")
}

func (w *world) lose(r *rapid.T) {
	w.link.mu.Lock()
	defer w.link.mu.Unlock()
	w.link.unknown = rapid.IntRange(1, 2).Draw(r, "lost")
}

// kill cuts the dispatcher off from everything; another one takes over when its duty ends.
func (w *world) kill(*rapid.T) {
	w.link.mu.Lock()
	w.link.cut = true
	w.link.mu.Unlock()
	go w.link.d.Stop()
	w.begin()
}

func (w *world) restart(*rapid.T) {
	w.link.d.Stop()
	w.begin()
}

// heal lets everybody listen and acknowledge. Then every stream has one delivery, and each is committed or parked.
func (w *world) heal() {
	w.mu.Lock()
	w.deaf, w.healed, w.slow = false, true, 0
	clear(w.owners.away)
	w.mu.Unlock()
	for w.store.Place() {
	}
	w.link.mu.Lock()
	w.link.unknown = 0
	w.link.mu.Unlock()
	time.Sleep(2 * time.Minute)
	w.check(w.r)
	all, firsts := w.store.All(), 0
	for _, n := range all {
		if n.Cause == kapivara.CauseComplete {
			firsts++
		}
	}
	if firsts != w.finished || w.store.Pending() != 0 || !w.replays && len(all) != firsts {
		w.r.Fatalf("got %d deliveries, %d of them first ones of %d streams, and %d wait", len(all), firsts, w.finished, w.store.Pending())
	}
	for _, n := range all {
		if n.Lease.State != kapivara.Committed && n.Lease.State != kapivara.Parked && n.Lease.State != kapivara.Discarded {
			w.r.Errorf("number %d of bucket %s is %s at attempt %d until %v, now is %v", n.Number, n.Due.Bucket, n.Lease.State, n.Lease.Attempt, n.Lease.Until, time.Now())
		}
	}
}

func (w *world) end() {
	w.link.d.Stop()
	synctest.Wait()
}
