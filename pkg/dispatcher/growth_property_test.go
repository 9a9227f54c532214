package dispatcher_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
)

// TestGrowthsComeOnceInOrderWithoutGaps lets streams grow in any order while the subscriber's mode changes, nodes answer
// anything, and dispatchers and connections come and go, and holds every sending against a model: each stretch goes on
// where the one before has ended and reaches no further than the first hole (I-12), a stream has at most one unsettled
// delivery (I-14), and in the end all that was due was delivered (I-11), also behind what was parked. The known wrong ways
// are a delivery for each event in the order of arrival, and growths that are forgotten behind a parked one.
func TestGrowthsComeOnceInOrderWithoutGaps(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		inBubble(t, func() {
			g := newGrower(r)
			defer g.end()
			r.Repeat(map[string]func(*rapid.T){
				"append":  g.append,
				"append2": g.append,
				"mode":    g.mode,
				"answer":  g.answer,
				"time":    g.pass,
				"slow":    g.slowDown,
				"lose":    g.lose,
				"restart": g.restart,
				"kill":    g.kill,
				"":        g.check,
			})
			g.drain()
		})
	})
}

// grown is what the model knows of a stream.
type grown struct {
	left      []int // positions to come, in their order
	final     int
	head      kapivara.Head
	due       int  // how far it has grown while that was due
	whole     bool // it was completed while that was due
	delivered int  // by growths, in the end
	wholes    int
}

type grower struct {
	r          *rapid.T
	store      *memory.Dispatch
	subscriber kapivara.Subscriber
	link       *growerLink

	mu      sync.Mutex
	healed  bool
	slow    time.Duration
	streams map[kapivara.Stream]*grown
	names   []kapivara.Stream
	sent    []kapivara.Delivery
	seen    map[place]kapivara.Delivery // the first sending
	faults  []string
}

type growerLink struct {
	*memory.Dispatch
	g    *grower
	d    *dispatcher.Dispatcher
	mu   sync.Mutex
	cut  bool
	lost int // of the next turn: 1 it is not done, 2 it is, and nobody knows
}

func newGrower(r *rapid.T) *grower {
	s := kapivara.NewSubscriber("billing")
	s.Buckets = rapid.IntRange(1, 2).Draw(r, "buckets")
	s.MaxInFlight = rapid.IntRange(1, 3).Draw(r, "max_in_flight")
	s.MaxAttempts = rapid.IntRange(0, 3).Draw(r, "max_attempts")
	s.AckWait, s.Backoff = 2*time.Second, []time.Duration{time.Second, 4 * time.Second}
	s.Deliver = rapid.SampledFrom([]kapivara.Mode{kapivara.DeliverAppended, kapivara.DeliverComplete}).Draw(r, "mode")
	g := &grower{
		r: r, store: memory.NewDispatch(time.Now), subscriber: s, streams: map[kapivara.Stream]*grown{},
		seen: map[place]kapivara.Delivery{},
	}
	for i := range rapid.IntRange(1, 6).Draw(r, "streams") {
		n := rapid.IntRange(1, 9).Draw(r, "events")
		order := make([]int, n)
		for p := range order {
			order[p] = n - p // in reverse
		}
		if rapid.Bool().Draw(r, "shuffled") {
			order = rapid.Permutation(order).Draw(r, "order")
		}
		name := stream(fmt.Sprint(i))
		g.streams[name] = &grown{left: order, final: n * rapid.IntRange(0, 1).Draw(r, "final")}
		g.names = append(g.names, name)
	}
	g.store.Subscribe(s)
	g.begin()
	return g
}

func (g *grower) begin() {
	g.link = &growerLink{Dispatch: g.store, g: g}
	g.link.d = dispatcher.New(g.link, g.link, dispatcher.Config{Hidden: 1}, slog.New(slog.DiscardHandler))
	if err := g.link.d.Start(context.Background()); err != nil {
		g.r.Fatal(err)
	}
	synctest.Wait()
}

func (l *growerLink) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

func (l *growerLink) Keep(ctx context.Context, run int32, ttl time.Duration) (time.Time, error) {
	if l.isCut() {
		return time.Time{}, errCut
	}
	return l.Dispatch.Keep(ctx, run, ttl)
}

func (l *growerLink) Join(ctx context.Context, name string, ttl time.Duration) (int32, error) {
	if l.isCut() {
		return 0, errCut
	}
	return l.Dispatch.Join(ctx, name, ttl)
}

func (l *growerLink) Look(
	ctx context.Context, lanes []kapivara.LaneQuery, after kapivara.DueMark, limit int,
) (*kapivara.Look, error) {
	look, err := l.Dispatch.Look(ctx, lanes, after, limit)
	for range 8 { // turns overtake it
		l.take()
	}
	return look, err
}

func (l *growerLink) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	l.take()
	l.mu.Lock()
	lost := l.lost
	l.lost = 0
	l.mu.Unlock()
	if l.isCut() || lost == 1 {
		return time.Time{}, kapivara.Refuse(kapivara.OutcomeUnknown, "lost")
	}
	now, err := l.Dispatch.Turn(ctx, turn)
	l.take()
	if lost == 2 {
		return time.Time{}, kapivara.Refuse(kapivara.OutcomeUnknown, "lost")
	}
	return now, err
}

func (l *growerLink) take() {
	l.g.mu.Lock()
	slow := l.g.slow
	l.g.mu.Unlock()
	time.Sleep(slow)
}

func (l *growerLink) Notify(string, *kapivara.DeliveryRow) {}

// Send holds a sending against the model.
func (l *growerLink) Send(d *kapivara.Delivery) error {
	if l.isCut() {
		return nil
	}
	g := l.g
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.streams[d.Stream]
	g.sent = append(g.sent, *d)
	if first, again := g.seen[placeOf(d)]; again {
		if first.From != d.From || first.To != d.To || first.Stream != d.Stream || first.Cause != d.Cause {
			g.fault(d, "was %d to %d at attempt %d", first.From, first.To, first.Attempt)
		}
	} else {
		g.seen[placeOf(d)] = *d
		g.first(s, d)
	}
	for i := range d.Events {
		if d.Events[i].Position != d.From+i {
			g.fault(d, "has position %d at place %d", d.Events[i].Position, i)
		}
	}
	if len(d.Events) != d.To-d.From+1 || d.To > s.head.Contiguous || d.To > d.Version || d.Complete && d.Finish != s.final {
		g.fault(d, "has %d events, version %d, finish %d; contiguous is %d", len(d.Events), d.Version, d.Finish, s.head.Contiguous)
	}
	if g.healed {
		l.d.Settle(d.Subscriber, d.Token, ack, nil)
	}
	return nil
}

// first holds the first sending of a delivery against those that were leased: a sending of a dispatcher that is cut off is
// lost, and the delivery may be parked unseen.
func (g *grower) first(s *grown, d *kapivara.Delivery) {
	before, wholes := 0, 0
	for _, n := range g.store.All() {
		switch {
		case n.Name != d.Stream:
		case n.Cause == kapivara.CauseComplete:
			wholes++
		case n.From < d.From:
			before = max(before, n.To)
		}
	}
	switch d.Cause {
	case kapivara.CauseAppended:
		if d.From != before+1 || s.due == 0 {
			g.fault(d, "begins at %d, the one before has ended at %d", d.From, before)
		}
	default:
		if d.From != 1 || d.To != s.final || !s.whole || wholes > 1 || !d.Complete {
			g.fault(d, "is %d to %d, %d whole ones", d.From, d.To, wholes)
		}
	}
}

func (g *grower) fault(d *kapivara.Delivery, format string, args ...any) {
	g.faults = append(g.faults, fmt.Sprintf("%v, %s %d to %d: ", brief([]kapivara.Delivery{*d}), d.Cause, d.From, d.To)+fmt.Sprintf(format, args...))
}

func (g *grower) check(r *rapid.T) {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.faults {
		r.Error(f)
	}
	open := map[kapivara.Stream]int{}
	for _, n := range g.store.All() {
		if n.Lease.State != kapivara.Committed && n.Lease.State != kapivara.Discarded {
			open[n.Name]++
		}
	}
	for name, n := range open {
		if n > 1 {
			r.Errorf("%s has %d unsettled deliveries", name, n)
		}
	}
	if r.Failed() {
		r.FailNow()
	}
}

func (g *grower) append(r *rapid.T) {
	g.mu.Lock()
	name := rapid.SampledFrom(g.names).Draw(r, "stream")
	s := g.streams[name]
	n := min(len(s.left), rapid.IntRange(1, 4).Draw(r, "request"))
	if n > 0 {
		positions := s.left[:n]
		s.left = s.left[n:]
		before := s.head.Contiguous
		for _, p := range positions {
			s.head.Add(p, p == s.final)
		}
		switch {
		case g.subscriber.Deliver == kapivara.DeliverAppended && s.head.Contiguous > before:
			s.due = s.head.Contiguous
		case g.subscriber.Deliver == kapivara.DeliverComplete && s.head.Complete():
			s.whole = true
		}
		g.store.Append(name, false, s.final, positions...)
	}
	g.mu.Unlock()
	if rapid.Bool().Draw(r, "poke") {
		g.link.d.Poke(true, false)
	}
}

func (g *grower) mode(r *rapid.T) {
	g.mu.Lock()
	g.subscriber.Deliver = rapid.SampledFrom([]kapivara.Mode{kapivara.DeliverAppended, kapivara.DeliverComplete}).Draw(r, "mode")
	g.store.Subscribe(g.subscriber)
	g.mu.Unlock()
	if rapid.Bool().Draw(r, "told") {
		g.link.d.Poke(false, true)
	}
}

func (g *grower) answer(r *rapid.T) {
	g.mu.Lock()
	if len(g.sent) == 0 {
		g.mu.Unlock()
		r.Skip("nothing was sent")
	}
	back := rapid.SampledFrom([]int{1, 3, 100}).Draw(r, "back")
	d := g.sent[rapid.IntRange(max(0, len(g.sent)-back), len(g.sent)-1).Draw(r, "delivery")]
	g.mu.Unlock()
	a := rapid.SampledFrom([]kapivara.Answer{ack, ack, ack, nak, progress, term}).Draw(r, "answer")
	g.link.d.Settle(d.Subscriber, d.Token, a, nil)
	if rapid.Bool().Draw(r, "wait") {
		synctest.Wait()
	}
}

func (g *grower) pass(r *rapid.T) {
	time.Sleep(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 3 * time.Second, time.Minute}).Draw(r, "time"))
	synctest.Wait()
}

func (g *grower) slowDown(r *rapid.T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.slow = rapid.SampledFrom([]time.Duration{0, 0, time.Millisecond, 50 * time.Millisecond}).Draw(r, "slow")
}

func (g *grower) lose(r *rapid.T) {
	g.link.mu.Lock()
	defer g.link.mu.Unlock()
	g.link.lost = rapid.IntRange(1, 2).Draw(r, "lost")
}

func (g *grower) kill(*rapid.T) {
	g.link.mu.Lock()
	g.link.cut = true
	g.link.mu.Unlock()
	go g.link.d.Stop()
	g.begin()
}

func (g *grower) restart(*rapid.T) {
	g.link.d.Stop()
	g.begin()
}

// drain has everything acknowledged, gives up what is parked, as often as anything is, and then holds what was due against
// what was delivered.
func (g *grower) drain() {
	g.mu.Lock()
	g.healed, g.slow = true, 0
	g.mu.Unlock()
	g.link.mu.Lock()
	g.link.lost = 0
	g.link.mu.Unlock()
	for again := true; again; {
		time.Sleep(time.Minute)
		g.check(g.r)
		again = g.discard()
	}
	for _, n := range g.store.All() { // each bucket's in their order
		s := g.streams[n.Name]
		if n.Cause == kapivara.CauseComplete {
			s.wholes++
			continue
		}
		if n.From != s.delivered+1 {
			g.r.Errorf("%s: a growth begins at %d, the one before has ended at %d", n.Name, n.From, s.delivered)
		}
		s.delivered = n.To
	}
	for _, name := range g.names {
		s := g.streams[name]
		if s.delivered < s.due || s.delivered > s.head.Contiguous || s.due == 0 && s.delivered > 0 || s.whole != (s.wholes == 1) {
			g.r.Errorf("%s: %d was due and %d delivered by growths, as a whole due %v and delivered %d times", name, s.due, s.delivered, s.whole, s.wholes)
		}
	}
	if n := g.store.Pending(); n > 0 {
		g.r.Errorf("%d still wait", n)
	}
}

// discard gives up what is parked, while no dispatcher is there.
func (g *grower) discard() bool {
	var parked []kapivara.Numbered
	for _, n := range g.store.All() {
		if n.Lease.State == kapivara.Parked {
			parked = append(parked, n)
		}
	}
	if len(parked) == 0 {
		return false
	}
	g.link.d.Stop()
	defer g.begin()
	ctx := context.Background()
	run, err := g.store.Join(ctx, "operator", time.Minute)
	if err != nil {
		g.r.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	no := g.store.Subscribe(g.subscriber)
	duties, err := g.store.TakeDuties(ctx, run, []int32{no})
	if err != nil || len(duties) != 1 {
		g.r.Fatalf("take the duty: %v, %v", duties, err)
	}
	turn := kapivara.Turn{Hold: kapivara.Hold{Dispatcher: run, Duties: duties}}
	for _, n := range parked {
		turn.Settlements = append(turn.Settlements, kapivara.Settlement{Ref: n.Ref, Lease: kapivara.Lease{State: kapivara.Discarded, Attempt: n.Lease.Attempt}})
	}
	rows, _, err := g.store.Buckets(ctx, []string{g.subscriber.Name})
	for _, row := range rows {
		if slices.ContainsFunc(parked, func(n kapivara.Numbered) bool { return n.Ref.Bucket == row.No }) {
			turn.Buckets = append(turn.Buckets, kapivara.BucketChange{No: row.No, Version: row.Version, Sent: row.Sent, Floor: row.Floor})
		}
	}
	if err == nil {
		_, err = g.store.Turn(ctx, &turn)
	}
	if err != nil {
		g.r.Fatalf("discard: %v", err)
	}
	if err := g.store.Leave(ctx, run); err != nil {
		g.r.Fatal(err)
	}
	return true
}

func (g *grower) end() {
	g.link.d.Stop()
	synctest.Wait()
}
