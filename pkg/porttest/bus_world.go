package porttest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
	"kapivara/tests/kit"
)

// busWorld plays a plan on a store.
type busWorld struct {
	t           *testing.T
	store       BusStore
	plan        busPlan
	writers     []*busWriter
	dispatchers []*dispatcher.Dispatcher
	answers     sync.WaitGroup

	mu    sync.Mutex
	head  int64 // the highest log position that was answered
	lives []*busLife
}

// busWriter is a process of a writer.
type busWriter struct {
	*writer.Writer
	registry *writer.Registry
	gatherer *writer.Gatherer
}

func newBusWorld(t *testing.T, store BusStore, plan busPlan) *busWorld {
	t.Helper()
	w := &busWorld{t: t, store: store, plan: plan}
	for range plan.writers {
		w.writers = append(w.writers, w.startWriter())
	}
	if !plan.late {
		w.startDispatchers()
	}
	return w
}

func (w *busWorld) startWriter() *busWriter {
	quiet := slog.New(slog.DiscardHandler)
	s := w.store.Writer(w.t)
	b := &busWriter{
		Writer:   writer.New(s.Log, s.Lookup, nil, func(n writer.Notice) { w.poke(n.Due, n.Registry) }, writer.Config{}, quiet),
		gatherer: writer.NewGatherer(s.Backlog, func(registry bool) { w.poke(true, registry) }, quiet),
	}
	b.registry = writer.NewRegistry(s.Registry, func([]byte) error { return nil }, func(int64) {
		b.gatherer.Wake()
		w.poke(true, true)
	})
	if err := b.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.gatherer.Run(ctx)
	}()
	w.t.Cleanup(func() {
		b.Stop()
		cancel()
		<-ended
	})
	return b
}

func (w *busWorld) startDispatchers() {
	for i := range w.plan.dispatchers {
		node := &busNode{w: w}
		node.d = dispatcher.New(w.store.Dispatcher(w.t), node, dispatcher.Config{Holder: fmt.Sprint(i)}, slog.New(slog.DiscardHandler))
		if err := node.d.Start(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(node.d.Stop)
		w.mu.Lock()
		w.dispatchers = append(w.dispatchers, node.d)
		w.mu.Unlock()
	}
	w.poke(true, true)
}

func (w *busWorld) poke(due, registry bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.dispatchers {
		d.Poke(due, registry)
	}
}

func (w *busWorld) do(step busStep) {
	by := w.writers[step.writer]
	switch {
	case step.wait:
		w.answers.Wait()
	case step.set != nil:
		w.set(by, step)
	case step.remove:
		w.remove(by, step.name)
	case step.replay:
		w.replay(step.name)
	default:
		w.append(by, step)
	}
}

// append begins a request and does not wait for its answer.
func (w *busWorld) append(by *busWriter, step busStep) {
	s := &w.plan.streams[step.stream]
	a := &kapivara.Append{Stream: s.name, Canary: &s.canary}
	for _, p := range step.positions {
		a.Events = append(a.Events, kapivara.NewEvent{
			ID: kapivara.EventID(fmt.Sprintf("%s-%d", s.name, p)), Type: s.types[p-1], Position: p, Final: s.final && p == len(s.types),
		})
	}
	// The final event has the highest position of its request and of the stream, so that a later one never stands above it.
	w.answers.Add(1)
	by.Append("p", a, func(r *kapivara.AppendResult, err error) {
		defer w.answers.Done()
		if err != nil {
			w.t.Errorf("append %v to %s: %v", step.positions, s.name, err)
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for i := range r.Events {
			w.head = max(w.head, r.Events[i].LogPosition)
		}
	})
}

func (w *busWorld) set(by *busWriter, step busStep) {
	w.mu.Lock()
	if step.set.Start != nil {
		step.set.Start.After = int64(step.start * float64(w.head))
	}
	w.mu.Unlock()
	s, err := by.registry.Subscribers.Set(w.t.Context(), step.name, *step.set)
	if err != nil {
		w.t.Fatalf("set %s: %v", step.name, err)
	}
	if l := w.life(step.name); l != nil {
		l.settings = append(l.settings, *s)
		return
	}
	w.lives = append(w.lives, newBusLife(*s))
}

// life is the one that the name has now.
func (w *busWorld) life(name string) *busLife {
	for _, l := range w.lives {
		if l.Name == name && !l.removed {
			return l
		}
	}
	return nil
}

// remove ends a life, and notes where its deliveries stand then: they stay there.
func (w *busWorld) remove(by *busWriter, name string) {
	at, err := by.registry.Subscribers.Remove(w.t.Context(), name)
	l := w.life(name)
	if l == nil {
		wantCode(w.t, err, kapivara.NotFound)
		return
	}
	if err != nil {
		w.t.Fatalf("remove %s: %v", name, err)
	}
	l.removed, l.until, l.left = true, at, map[kapivara.Ref]kapivara.State{}
	for _, d := range w.store.Deliveries(w.t) {
		if d.Due.Subscriber == l.No {
			l.left[d.Ref] = d.Lease.State
		}
	}
}

// replay asks each dispatcher for all that was due; the one that works for the subscriber does it.
func (w *busWorld) replay(name string) {
	done := make(chan error, len(w.dispatchers))
	for _, d := range w.dispatchers {
		d.Replay(name, kapivara.Replay{}, func(_ int, err error) { done <- err })
	}
	for range w.dispatchers {
		if err := <-done; err != nil {
			w.t.Logf("replay for %s: %v", name, err) // nobody works for it, or it is not there
		}
	}
}

// busNode is a node of every subscriber, at one dispatcher.
type busNode struct {
	w *busWorld
	d *dispatcher.Dispatcher
}

// Send refuses the first attempt of some and commits the others.
func (n *busNode) Send(d *kapivara.Delivery) error {
	for i := range d.Events {
		if d.Events[i].Position != d.From+i {
			n.w.t.Errorf("%s of %s: position %d at place %d of %d to %d", d.Stream, d.Subscriber, d.Events[i].Position, i, d.From, d.To)
		}
	}
	if len(d.Events) != d.To-d.From+1 {
		n.w.t.Errorf("%s of %s: %d events of %d to %d", d.Stream, d.Subscriber, len(d.Events), d.From, d.To)
	}
	a := kapivara.Answer{Verdict: kapivara.Ack}
	if d.Attempt == 1 && (d.Stream.Hash()+uint64(d.Number))%4 == 0 {
		a = kapivara.Answer{Verdict: kapivara.Nak, Delay: time.Millisecond}
	}
	n.d.Settle(d.Subscriber, d.Token, a, nil)
	return nil
}

// Line and Echo tell that whoever was sent something has it.
func (n *busNode) Line() int64 { return 0 }

// Echo is as Line says.
func (n *busNode) Echo(_ int64, heard func(bool)) { heard(true) }

// Notify has nobody to tell.
func (n *busNode) Notify(string, *kapivara.DeliveryRow) {}

// drain lets everything that is due arrive.
func (w *busWorld) drain() {
	w.answers.Wait()
	if len(w.dispatchers) == 0 {
		w.startDispatchers()
	}
	busDue(w.store.Events(w.t), w.lives)
	kit.Eventually(w.t, 60*time.Second, w.over)
}
