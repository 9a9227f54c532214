package porttest

import (
	"fmt"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

// machineStream is what the machine knows of a stream.
type machineStream struct {
	canary bool
	left   []int // positions to come, in their order
	final  int   // 0: it is never finished
	head   kapivara.Head
	due    int  // how far it has grown while that was due
	whole  bool // it was completed while that was due
}

func drawMode(r *rapid.T) kapivara.Mode {
	return rapid.SampledFrom([]kapivara.Mode{kapivara.DeliverAppended, kapivara.DeliverComplete}).Draw(r, "mode")
}

func (w *machine) newStream(s *machineStream) kapivara.Stream {
	name := kapivara.Stream(fmt.Sprintf("a/b/c/%d", len(w.names)+1))
	w.streams[name] = s
	w.names = append(w.names, name)
	return name
}

// finish stores new streams whole.
func (w *machine) finish(r *rapid.T) {
	w.mu.Lock()
	for range rapid.IntRange(1, 5).Draw(r, "streams") {
		s := &machineStream{final: rapid.IntRange(1, 3).Draw(r, "events"), canary: rapid.IntRange(0, 3).Draw(r, "canary") == 0}
		for p := range s.final {
			s.left = append(s.left, p+1)
		}
		w.grow(w.newStream(s), s.final)
	}
	w.mu.Unlock()
	w.pokeSome(r)
}

// beginStreams draws streams whose events come one by one or a few at once, in any order.
func (w *machine) beginStreams(r *rapid.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range rapid.IntRange(1, 3).Draw(r, "streams") {
		n := rapid.IntRange(1, 9).Draw(r, "events")
		s := &machineStream{canary: rapid.IntRange(0, 3).Draw(r, "canary") == 0, left: drawOrder(r, n)}
		if rapid.Bool().Draw(r, "final") {
			s.final = n
		}
		w.newStream(s)
	}
}

// append stores the next events of a stream.
func (w *machine) append(r *rapid.T) {
	w.mu.Lock()
	var open []kapivara.Stream
	for _, name := range w.names {
		if len(w.streams[name].left) > 0 {
			open = append(open, name)
		}
	}
	if len(open) == 0 {
		w.mu.Unlock()
		r.Skip("no stream is open")
	}
	name := rapid.SampledFrom(open).Draw(r, "stream")
	w.grow(name, rapid.IntRange(1, min(4, len(w.streams[name].left))).Draw(r, "request"))
	w.mu.Unlock()
	w.pokeSome(r)
}

// grow stores the next n events of a stream by one request.
func (w *machine) grow(name kapivara.Stream, n int) {
	s := w.streams[name]
	positions, before := s.left[:n], s.head.Contiguous
	s.left = s.left[n:]
	for _, p := range positions {
		s.head.Add(p, p == s.final)
	}
	switch {
	case w.subscriber.Deliver == kapivara.DeliverAppended && s.head.Contiguous > before:
		s.due = s.head.Contiguous
	case w.subscriber.Deliver == kapivara.DeliverComplete && s.head.Complete():
		s.whole = true
	}
	w.store.Append(name, s.canary, s.final, positions...)
}

// mode changes what is due from now on.
func (w *machine) mode(r *rapid.T) {
	w.mu.Lock()
	w.subscriber.Deliver = drawMode(r)
	w.store.Subscribe(w.subscriber)
	w.mu.Unlock()
	w.pokeSome(r)
}

func (w *machine) pokeSome(r *rapid.T) {
	if rapid.Bool().Draw(r, "poke") {
		w.link.d.Poke(true, rapid.Bool().Draw(r, "registry"))
	}
}
