package porttest

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/tests/kit"
)

// Growths runs a dispatcher on the store while streams grow in any order, in requests of one event and of many, the
// subscriber's mode changes, and its nodes answer anything, and holds what it delivers against a model: each stretch of a
// stream goes on where the one before has ended, reaches no further than the first hole, and is sent only when what came
// before is settled; in the end all that was due was delivered once (I-11, I-12, I-14, I-15). What is parked holds back the
// rest of its stream, and nothing else.
func Growths(t *testing.T, seeds int, open func(t *testing.T) DispatchStore) {
	plans := rapid.Custom(drawGrowthPlan)
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			g := newGrowthWorld(t, open(t), plans.Example(seed))
			for _, step := range g.plan.steps {
				if step.pause {
					kit.Eventually(t, 60*time.Second, g.over)
					continue
				}
				g.do(step)
			}
			kit.Eventually(t, 60*time.Second, g.over)
			g.judge()
		})
	}
}

// growthPlan is what happens.
type growthPlan struct {
	buckets, inFlight int
	mode              kapivara.Mode
	finals            []bool // of the streams
	steps             []growthStep
	answers           []kapivara.Verdict // to the first sendings of growths, in turn
}

// growthStep is a request of a stream's next positions, or else a change of the mode, or a pause until all that is due was
// delivered.
type growthStep struct {
	pause     bool
	stream    int
	positions []int
	mode      kapivara.Mode
}

func drawGrowthPlan(t *rapid.T) growthPlan {
	modes := rapid.SampledFrom([]kapivara.Mode{kapivara.DeliverAppended, kapivara.DeliverAppended, kapivara.DeliverComplete})
	p := growthPlan{
		buckets: rapid.IntRange(1, 3).Draw(t, "buckets"), inFlight: rapid.IntRange(1, 3).Draw(t, "max_in_flight"),
		mode: modes.Draw(t, "mode"),
		answers: rapid.SliceOfN(rapid.SampledFrom([]kapivara.Verdict{
			kapivara.Ack, kapivara.Ack, kapivara.Ack, kapivara.Ack, kapivara.Ack, kapivara.Nak, kapivara.Nak, kapivara.Nak, kapivara.Term,
		}), 100, 100).Draw(t, "answers"),
	}
	var left [][]int
	for range 20 {
		n := rapid.SampledFrom([]int{2, 5, 9, 13}).Draw(t, "events")
		left = append(left, drawOrder(t, n))
		p.finals = append(p.finals, rapid.Bool().Draw(t, "final"))
	}
	for open := len(left); open > 0; {
		switch rapid.IntRange(0, 19).Draw(t, "between") {
		case 0:
			p.steps = append(p.steps, growthStep{mode: modes.Draw(t, "mode")})
		case 1, 2, 3, 4, 5:
			p.steps = append(p.steps, growthStep{pause: true})
		}
		i := rapid.IntRange(0, len(left)-1).Draw(t, "stream")
		n := min(len(left[i]), rapid.SampledFrom([]int{1, 1, 1, 2, 4}).Draw(t, "request"))
		if n == 0 {
			continue
		}
		p.steps = append(p.steps, growthStep{stream: i, positions: left[i][:n]})
		if left[i] = left[i][n:]; len(left[i]) == 0 {
			open--
		}
	}
	return p
}

// drawOrder is the order in which the positions 1 to n arrive: as they are, in reverse, in pairs the wrong way round, or any.
func drawOrder(t *rapid.T, n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i + 1
	}
	switch rapid.SampledFrom([]string{"forward", "reverse", "pairs", "pairs", "any"}).Draw(t, "order") {
	case "reverse":
		slices.Reverse(order)
	case "pairs":
		for i := 0; i+1 < n; i += 2 {
			order[i], order[i+1] = order[i+1], order[i]
		}
	case "any":
		order = rapid.Permutation(order).Draw(t, "permutation")
	}
	return order
}

// growthStream is what the model knows of a stream.
type growthStream struct {
	head   kapivara.Head
	final  int
	due    int  // how far it has grown while that was due
	whole  bool // it was completed while that was due
	sent   int  // by growths
	wholes int
	open   *kapivara.Delivery // sent, and not known to be settled
	parked bool
}

type growthWorld struct {
	t          *testing.T
	store      DispatchStore
	plan       growthPlan
	subscriber kapivara.Subscriber
	dispatcher *dispatcher.Dispatcher

	mu      sync.Mutex
	streams map[kapivara.Stream]*growthStream
	sent    int
	late    map[int64]bool // deliveries by number and bucket that were sent already
}

func growthName(i int) kapivara.Stream { return kapivara.Stream(fmt.Sprintf("a/b/c/%d", i)) }

func newGrowthWorld(t *testing.T, store DispatchStore, plan growthPlan) *growthWorld {
	t.Helper()
	s := kapivara.NewSubscriber("billing")
	s.Buckets, s.MaxInFlight, s.Deliver = plan.buckets, plan.inFlight, plan.mode
	g := &growthWorld{
		t: t, store: store, plan: plan, subscriber: s, streams: map[kapivara.Stream]*growthStream{}, late: map[int64]bool{},
	}
	for i, final := range plan.finals {
		g.streams[growthName(i)] = &growthStream{}
		for _, step := range plan.steps {
			if len(step.positions) > 0 && step.stream == i && final {
				g.streams[growthName(i)].final = max(g.streams[growthName(i)].final, slices.Max(step.positions))
			}
		}
	}
	store.Subscribe(s)
	g.dispatcher = dispatcher.New(store, g, dispatcher.Config{}, slog.New(slog.DiscardHandler))
	if err := g.dispatcher.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.dispatcher.Stop)
	return g
}

func (g *growthWorld) do(step growthStep) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if step.mode != "" {
		g.subscriber.Deliver = step.mode
		g.store.Subscribe(g.subscriber)
		g.dispatcher.Poke(false, true)
		return
	}
	name := growthName(step.stream)
	s := g.streams[name]
	before := s.head.Contiguous
	for _, p := range step.positions {
		s.head.Add(p, p == s.final)
	}
	switch {
	case g.subscriber.Deliver == kapivara.DeliverAppended && s.head.Contiguous > before:
		s.due = s.head.Contiguous
	case g.subscriber.Deliver == kapivara.DeliverComplete && s.head.Complete():
		s.whole = true
	}
	g.store.Append(name, false, s.final, step.positions...)
	g.dispatcher.Poke(true, false)
}

// Line and Echo tell that whoever was sent something has it.
func (g *growthWorld) Line() int64 { return 0 }

// Echo is as Line says.
func (g *growthWorld) Echo(_ int64, heard func(bool)) { heard(true) }

// Send plays a node, and holds what it is sent against the model.
func (g *growthWorld) Send(d *kapivara.Delivery) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.streams[d.Stream]
	at := d.Number<<16 + int64(d.Bucket)
	if !g.late[at] {
		g.late[at] = true
		g.first(s, d)
	} else if s.open == nil || s.open.Number != d.Number || s.open.From != d.From || s.open.To != d.To {
		g.t.Errorf("%s: %s %d to %d comes again at attempt %d after it was settled, or otherwise", d.Stream, d.Cause, d.From, d.To, d.Attempt)
	}
	for i := range d.Events {
		if d.Events[i].Position != d.From+i {
			g.t.Errorf("%s: position %d at place %d of %d to %d", d.Stream, d.Events[i].Position, i, d.From, d.To)
		}
	}
	if len(d.Events) != d.To-d.From+1 || d.To > s.head.Contiguous || d.To > d.Version || d.Complete && (d.Version != d.Finish || !s.head.Complete()) {
		g.t.Errorf("%s: %d events of %d to %d, version %d, finish %d, complete %v; the model has %+v",
			d.Stream, len(d.Events), d.From, d.To, d.Version, d.Finish, d.Complete, s.head)
	}
	verdict := kapivara.Ack
	if d.Attempt == 1 {
		verdict = g.plan.answers[g.sent%len(g.plan.answers)]
		g.sent++
	}
	if verdict != kapivara.Nak {
		s.open, s.parked = nil, verdict == kapivara.Term // nothing of it is sent before this answer is durable
	}
	g.dispatcher.Settle(d.Subscriber, d.Token, kapivara.Answer{Verdict: verdict, Delay: time.Millisecond}, nil)
	return nil
}

func (g *growthWorld) first(s *growthStream, d *kapivara.Delivery) {
	if s.open != nil || s.parked {
		g.t.Errorf("%s: %s %d to %d is sent while an earlier one is unsettled", d.Stream, d.Cause, d.From, d.To)
	}
	s.open = d
	if d.Cause == kapivara.CauseAppended {
		if d.From != s.sent+1 || s.due == 0 {
			g.t.Errorf("%s: a growth begins at %d, the one before has ended at %d; due up to %d", d.Stream, d.From, s.sent, s.due)
		}
		s.sent = d.To
		return
	}
	if s.wholes++; d.Cause != kapivara.CauseComplete || d.From != 1 || d.To != s.final || !s.whole || s.wholes > 1 {
		g.t.Errorf("%s: %s %d to %d, the %d. whole one", d.Stream, d.Cause, d.From, d.To, s.wholes)
	}
}

// Notify has nobody to tell.
func (g *growthWorld) Notify(string, *kapivara.DeliveryRow) {}

// over tells what is still to come; what is held back by a parked delivery is not.
func (g *growthWorld) over() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, s := range g.streams {
		if s.parked {
			continue
		}
		if s.open != nil || s.sent < s.due || s.whole && s.wholes == 0 {
			return fmt.Errorf("%s: sent up to %d of %d, whole due %v and sent %d times, unsettled %v", name, s.sent, s.due, s.whole, s.wholes, s.open != nil)
		}
	}
	return nil
}

func (g *growthWorld) judge() {
	g.mu.Lock()
	defer g.mu.Unlock()
	parked := 0
	for name, s := range g.streams {
		if s.parked {
			parked++
		}
		if s.sent > s.head.Contiguous || s.due == 0 && s.sent > 0 || !s.whole && s.wholes > 0 {
			g.t.Errorf("%s: due up to %d, whole %v; sent up to %d and %d whole ones", name, s.due, s.whole, s.sent, s.wholes)
		}
	}
	g.t.Logf("%d sendings, %d streams stay behind a parked delivery", g.sent, parked)
}
