package property

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

// I-05, I-06, I-11: in whatever order, grouping and number of times the events of a stream arrive, through whichever
// writer, the stream is exactly 1 to finish in the end, and due once, at the event that completed it.
func TestAnyArrivalOrderMakesOneWholeStream(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(b *bench) {
		registry := writer.NewRegistry(b.store.Registry, nil, nil)
		if _, err := registry.Subscribers.Set(t.Context(), "all", kapivara.SubscriberPatch{}); err != nil {
			b.t.Fatal(err)
		}
		writers := []*writer.Writer{b.writer(), b.writer()}
		var due []int64
		rapid.Check(b.t, func(rt *rapid.T) {
			w := b.world(rt)
			stream := kapivara.Stream("lending/loans/application/" + w.name)
			requests := w.arrivals(stream)
			before := b.head(rt)
			var waits []<-chan answer
			for i, a := range requests {
				waits = append(waits, begin(writers[i%2], a))
			}
			completed := 0
			for i, wait := range waits {
				got := <-wait
				if got.err != nil {
					rt.Fatalf("%+v: %v", requests[i], got.err)
				}
				if got.Complete && first(got) > 0 {
					completed++
				}
			}
			finish := b.stored(rt, stream, before)
			if completed != 1 {
				rt.Fatalf("%d appends completed the stream of %d events", completed, finish)
			}
			due = append(due, before+int64(finish))
		})
		for i, d := range b.store.Due(b.t) {
			if i >= len(due) || d.LogPosition != due[i] {
				b.t.Fatalf("due is %+v, want %v", d, due)
			}
		}
	})
}

// arrivals are the events of one whole stream, shuffled, grouped and partly sent more than once.
func (w world) arrivals(stream kapivara.Stream) []*kapivara.Append {
	finish := rapid.IntRange(1, 40).Draw(w.rt, "finish")
	positions := make([]int, finish)
	for i := range positions {
		positions[i] = i + 1
	}
	positions = rapid.Permutation(positions).Draw(w.rt, "order")
	var requests []*kapivara.Append
	for len(positions) > 0 {
		n := rapid.IntRange(1, min(8, len(positions))).Draw(w.rt, "together")
		a := &kapivara.Append{Stream: stream}
		for _, p := range positions[:n] {
			a.Events = append(a.Events, kapivara.NewEvent{
				ID: kapivara.EventID(fmt.Sprintf("%s-%d", w.name, p)), Type: "opened", Position: p, Final: p == finish,
				Kind: kapivara.JSONData, Data: fmt.Append(nil, p),
			})
		}
		positions = positions[n:]
		for range rapid.IntRange(1, 3).Draw(w.rt, "times") {
			requests = append(requests, a)
		}
	}
	return rapid.Permutation(requests).Draw(w.rt, "requests")
}

// stored checks the stream by its head and notes its events for the comparison in the end.
func (b *bench) stored(rt *rapid.T, stream kapivara.Stream, before int64) (finish int) {
	heads, err := b.lookup.Heads(b.t.Context(), []kapivara.Stream{stream}, true)
	if err != nil {
		rt.Fatal(err)
	}
	h := heads[stream]
	if h == nil || !h.Complete() || h.Version != h.Finish || len(h.Above) > 0 || h.Completed != before+int64(h.Finish) {
		rt.Fatalf("the stream's head: %+v; the log's head before it: %d", h, before)
	}
	if head := b.head(rt); head != before+int64(h.Finish) {
		rt.Fatalf("%d events made the log %d longer", h.Finish, head-before)
	}
	log := b.store.Events(b.t)[before:]
	seen := map[int]bool{}
	for _, e := range log {
		if e.Stream != stream || seen[e.Position] || e.Final != (e.Position == h.Finish) || string(e.Data) != fmt.Sprint(e.Position) {
			rt.Fatalf("in the log stands %+v", e)
		}
		seen[e.Position] = true
	}
	b.want = append(b.want, log...)
	return h.Finish
}
