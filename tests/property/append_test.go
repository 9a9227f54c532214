package property

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/porttest"
	"kapivara/pkg/writer"
	"kapivara/tests/stores"
)

// bench is a store under test with what is expected of its log. The checks of a test go on where the last one ended.
type bench struct {
	t      *testing.T
	store  porttest.AppendStore
	log    writer.Log
	lookup writer.Lookup
	checks int
	want   []kapivara.Event
}

func onEachStore(t *testing.T, test func(b *bench)) {
	for name, open := range map[string]func(testing.TB, bool) porttest.AppendStore{"memory": stores.Memory, "postgres": stores.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bench{t: t, store: open(t, true)}
			b.log, b.lookup = b.store.Connect(t)
			test(b)
			b.wantLog()
		})
	}
}

// writer starts one more.
func (b *bench) writer() *writer.Writer {
	log, lookup := b.store.Connect(b.t)
	return startWriter(b.t, log, lookup)
}

func (b *bench) world(rt *rapid.T) world {
	b.checks++
	return world{fmt.Sprint(b.checks), rt}
}

func (b *bench) head(rt *rapid.T) int64 {
	tip, _, err := b.log.Tip(context.Background())
	if err != nil {
		rt.Fatal(err)
	}
	return tip.Head
}

// wantLog compares the whole log in the end: I-04, I-08.
func (b *bench) wantLog() {
	log := b.store.Events(b.t)
	if len(log) != len(b.want) {
		b.t.Fatalf("the log holds %d events, want %d", len(log), len(b.want))
	}
	for i, e := range log {
		want := b.want[i]
		if e.LogPosition != int64(i)+1 || e.Stream != want.Stream || e.Position != want.Position || e.ID != want.ID ||
			e.Type != want.Type || e.Final != want.Final || e.Kind != want.Kind || string(e.Data) != string(want.Data) {
			b.t.Fatalf("log position %d: %+v, want %+v", i+1, e, want)
		}
	}
}

func wantAnswer(rt *rapid.T, a *kapivara.Append, got answer, want *kapivara.AppendResult, code kapivara.Code) {
	if kapivara.CodeOf(got.err) != code || got.err != nil && code == "" {
		rt.Fatalf("%+v\nwas answered %+v %v\nwant %+v %q", a, got.AppendResult, got.err, want, code)
	}
	if code == "" && !reflect.DeepEqual(got.AppendResult, want) {
		rt.Fatalf("%+v\nwas answered %+v\nwant         %+v", a, got.AppendResult, want)
	}
}

// Protocol section 3 and I-05: one after another, with restarts in between, every request is answered as the model
// says, on every store; and all requests once more, in any order, change nothing.
func TestAppendsAreAnsweredAsTheModelSays(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(b *bench) {
		w := startWriter(b.t, b.log, b.lookup)
		rapid.Check(b.t, func(rt *rapid.T) {
			requests := b.world(rt).requests(12)
			m := newModel(b.head(rt))
			for _, a := range requests {
				if rapid.IntRange(0, 9).Draw(rt, "restart") == 0 {
					w.Stop()
					w = startWriter(b.t, b.log, b.lookup) // it remembers nothing
				}
				got := send(w, a)
				want, code := m.append(a)
				b.want = append(b.want, m.events[len(b.want)-int(m.started):]...)
				wantAnswer(rt, a, got, want, code)
			}
			b.replay(rt, w, m, requests)
		})
	})
}

// replay sends everything once more. What was refused for its expectation is left out: it may hold by now.
func (b *bench) replay(rt *rapid.T, w *writer.Writer, m *model, requests []*kapivara.Append) {
	head := b.head(rt)
	for _, a := range rapid.Permutation(requests).Draw(rt, "replay") {
		want, code := m.clone().append(a)
		if code == kapivara.WrongVersion || code == "" && slices.ContainsFunc(want.Events, func(p kapivara.Placed) bool { return p.Stored }) {
			continue
		}
		wantAnswer(rt, a, send(w, a), want, code)
	}
	if after := b.head(rt); after != head {
		rt.Fatalf("repeats took the log from %d to %d", head, after)
	}
}

// I-05, I-06, I-07, I-08: sent at once through two writers, every append that is accepted was decided on exactly what
// stands before it in the log, every one that is refused on some state of the log, and the log has no gaps.
func TestRacingAppendsAreDecidedOnTheLogBeforeThem(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(b *bench) {
		writers := []*writer.Writer{b.writer(), b.writer()}
		rapid.Check(b.t, func(rt *rapid.T) {
			requests := b.world(rt).requests(20)
			m := newModel(b.head(rt))
			var waits []<-chan answer
			for i, a := range requests {
				waits = append(waits, begin(writers[i%2], a))
			}
			answers := make([]answer, len(requests))
			for i, wait := range waits {
				answers[i] = <-wait
			}
			states := b.inLogOrder(rt, m, requests, answers)
			for i, a := range requests {
				if first(answers[i]) == 0 && !explained(states, a, answers[i]) {
					rt.Fatalf("%+v\nwas answered %+v %v, which no state of the log explains", a, answers[i].AppendResult, answers[i].err)
				}
			}
		})
	})
}

// first is the log position of the first event that an append has stored, 0 where it has none.
func first(got answer) int64 {
	if got.err != nil {
		return 0
	}
	for _, p := range got.Events {
		if p.Stored {
			return p.LogPosition
		}
	}
	return 0
}

// inLogOrder has the model do what was accepted in the order of the log, and gives all its states.
func (b *bench) inLogOrder(rt *rapid.T, m *model, requests []*kapivara.Append, answers []answer) []*model {
	var order []int
	for i := range requests {
		if first(answers[i]) > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(x, y int) int { return int(first(answers[x]) - first(answers[y])) })
	states := []*model{m.clone()}
	for _, i := range order {
		want, code := m.append(requests[i])
		if code != "" {
			b.want = nil
			rt.Fatalf("%+v\nwas accepted as %+v; what stands before it in the log says %s", requests[i], answers[i].AppendResult, code)
		}
		wantAnswer(rt, requests[i], answers[i], want, "")
		states = append(states, m.clone())
	}
	b.want = append(b.want, m.events...)
	if head := b.head(rt); head != m.started+int64(len(m.events)) {
		rt.Fatalf("the log's head is %d, want %d and the %d events that were confirmed", head, m.started, len(m.events))
	}
	return states
}

// explained tells whether the answer of an append that stored nothing is right for some state of the log.
func explained(states []*model, a *kapivara.Append, got answer) bool {
	for _, m := range states {
		want, code := m.clone().append(a)
		if code != kapivara.CodeOf(got.err) || got.err != nil && code == "" {
			continue
		}
		if code != "" || reflect.DeepEqual(want.Events, got.Events) {
			return true
		}
	}
	return false
}
