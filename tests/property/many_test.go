package property

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

// manyAnswer is what an append-many was answered.
type manyAnswer struct {
	*kapivara.AppendManyResult
	err error
}

func beginMany(w *writer.Writer, q *kapivara.AppendMany) <-chan manyAnswer {
	c := make(chan manyAnswer, 1)
	w.AppendMany("loans", q, func(r *kapivara.AppendManyResult, err error) { c <- manyAnswer{r, err} })
	return c
}

// together draws requests for several streams of the world, with conditions on any of them.
func (w world) together(most int) []*kapivara.AppendMany {
	var requests []*kapivara.AppendMany
	for range rapid.IntRange(1, most).Draw(w.rt, "requests") {
		if len(requests) > 0 && rapid.IntRange(0, 4).Draw(w.rt, "again") == 0 {
			requests = append(requests, rapid.SampledFrom(requests).Draw(w.rt, "which"))
			continue
		}
		q := &kapivara.AppendMany{}
		for range rapid.IntRange(0, 3).Draw(w.rt, "appends") {
			q.Appends = append(q.Appends, *w.request())
		}
		for range rapid.IntRange(0, 2).Draw(w.rt, "conditions") {
			q.Conditions = append(q.Conditions, kapivara.Condition{Stream: w.stream(), Expect: w.request().Expect})
		}
		if q.Check() == nil {
			requests = append(requests, q)
		}
	}
	return requests
}

// manyCodes are the codes in the order of judgement.
func manyCodes() []kapivara.Code {
	return []kapivara.Code{
		kapivara.WrongVersion, kapivara.CanaryMismatch, kapivara.EventIDReused, kapivara.PositionTaken, kapivara.StreamFinished,
		kapivara.FinishConflict, "",
	}
}

// many does what the protocol says of a request for several streams. The model's append by itself tells of each what it
// would be refused for; the first code of all is the request's.
func (m *model) many(q *kapivara.AppendMany) (*kapivara.AppendManyResult, kapivara.Code) {
	news := len(q.Appends) == 0
	worst := kapivara.Code("")
	note := func(code kapivara.Code) {
		if slices.Index(manyCodes(), code) < slices.Index(manyCodes(), worst) {
			worst = code
		}
	}
	for i := range q.Appends {
		result, code := m.clone().append(&q.Appends[i])
		note(code)
		news = news || code != "" || slices.ContainsFunc(result.Events, func(p kapivara.Placed) bool { return p.Stored })
	}
	for _, c := range q.Conditions {
		if news && !c.Expect.Holds(m.state(c.Stream).Version) {
			note(kapivara.WrongVersion)
		}
	}
	if worst != "" {
		return nil, worst
	}
	all := &kapivara.AppendManyResult{Appends: []kapivara.AppendResult{}}
	for i := range q.Appends {
		result, _ := m.append(&q.Appends[i])
		all.Appends = append(all.Appends, *result)
	}
	return all, ""
}

// wantViolations holds the facts of a wrong_version to the model.
func (m *model) wantViolations(rt *rapid.T, q *kapivara.AppendMany, refusal *kapivara.Error) {
	var want []kapivara.Violation
	add := func(s kapivara.Stream, e kapivara.Expect) bool {
		version := m.state(s).Version
		if e.Holds(version) {
			return false
		}
		want = append(want, kapivara.Violation{Stream: string(s), Expected: e, Actual: version})
		return true
	}
	first := -1
	for i := range q.Appends {
		a := &q.Appends[i]
		if _, code := m.clone().append(a); code == kapivara.WrongVersion && add(a.Stream, a.Expect) && first < 0 {
			first = i
		}
	}
	for _, c := range q.Conditions {
		add(c.Stream, c.Expect)
	}
	named := refusal.Facts.Append
	if !reflect.DeepEqual(refusal.Facts.Violations, want) || (named == nil) != (first < 0) || named != nil && *named != first {
		rt.Fatalf("%+v\nis refused with %+v of append %v, want %+v of %d", q, refusal.Facts.Violations, named, want, first)
	}
}

// Protocol section 3, I-03 and I-05: one after another, with restarts in between, every request for several streams is
// answered as the model says; and all that was done once more, in any order, is ok and changes nothing.
func TestRequestsForManyStreamsAreAnsweredAsTheModelSays(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(b *bench) {
		w := startWriter(b.t, b.log, b.lookup)
		rapid.Check(b.t, func(rt *rapid.T) {
			requests := b.world(rt).together(10)
			m := newModel(b.head(rt))
			var done []*kapivara.AppendMany
			for _, q := range requests {
				if rapid.IntRange(0, 9).Draw(rt, "restart") == 0 {
					w.Stop()
					w = startWriter(b.t, b.log, b.lookup)
				}
				got := <-beginMany(w, q)
				if kapivara.CodeOf(got.err) == kapivara.WrongVersion {
					m.wantViolations(rt, q, got.err.(*kapivara.Error)) //nolint:errorlint,forcetypeassert // handed on as it is
				}
				before := len(m.events)
				want, code := m.many(q)
				b.want = append(b.want, m.events[before:]...)
				wantMany(rt, q, got, want, code)
				if code == "" && len(q.Appends) > 0 {
					done = append(done, q)
				}
			}
			head := b.head(rt)
			for _, q := range rapid.Permutation(done).Draw(rt, "replay") {
				want, _ := m.clone().many(q)
				wantMany(rt, q, <-beginMany(w, q), want, "")
			}
			if after := b.head(rt); after != head {
				rt.Fatalf("repeats took the log from %d to %d", head, after)
			}
		})
	})
}

func wantMany(rt *rapid.T, q *kapivara.AppendMany, got manyAnswer, want *kapivara.AppendManyResult, code kapivara.Code) {
	if kapivara.CodeOf(got.err) != code || got.err != nil && code == "" {
		rt.Fatalf("%+v\nwas answered %+v %v\nwant %+v %q", q, got.AppendManyResult, got.err, want, code)
	}
	if code == "" && !reflect.DeepEqual(got.AppendManyResult, want) {
		rt.Fatalf("%+v\nwas answered %+v\nwant         %+v", q, got.AppendManyResult, want)
	}
}

// I-03, I-07, I-08 over several streams: sent at once through two writers, every request that is done was decided on
// exactly what stands before it in the log, its conditions included, and its events stand together; every one that stored
// nothing is explained by one state of the log. A condition that is judged and not held until the commit fails here.
func TestRacingRequestsForManyStreamsAreDecidedOnTheLogBeforeThem(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(b *bench) {
		writers := []*writer.Writer{b.writer(), b.writer()}
		rapid.Check(b.t, func(rt *rapid.T) {
			requests := b.world(rt).together(16)
			m := newModel(b.head(rt))
			var waits []<-chan manyAnswer
			for i, q := range requests {
				waits = append(waits, beginMany(writers[i%2], q))
			}
			answers := make([]manyAnswer, len(requests))
			for i, wait := range waits {
				answers[i] = <-wait
			}
			states := b.manyInLogOrder(rt, m, requests, answers)
			for i, q := range requests {
				if firstOfMany(answers[i]) == 0 && !manyExplained(states, q, answers[i]) {
					rt.Fatalf("%+v\nwas answered %+v %v, which no state of the log explains", q, answers[i].AppendManyResult, answers[i].err)
				}
			}
		})
	})
}

// firstOfMany is the log position of the first event that a request has stored, 0 where it has none.
func firstOfMany(got manyAnswer) int64 {
	if got.err != nil {
		return 0
	}
	for i := range got.Appends {
		if position := first(answer{&got.Appends[i], nil}); position > 0 {
			return position
		}
	}
	return 0
}

// manyInLogOrder has the model do what was done in the order of the log, and gives all its states.
func (b *bench) manyInLogOrder(rt *rapid.T, m *model, requests []*kapivara.AppendMany, answers []manyAnswer) []*model {
	var order []int
	for i := range requests {
		if firstOfMany(answers[i]) > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(x, y int) int { return int(firstOfMany(answers[x]) - firstOfMany(answers[y])) })
	states := []*model{m.clone()}
	for _, i := range order {
		want, code := m.many(requests[i])
		wantMany(rt, requests[i], answers[i], want, code)
		states = append(states, m.clone())
	}
	b.want = append(b.want, m.events...)
	if head := b.head(rt); head != m.started+int64(len(m.events)) {
		rt.Fatalf("the log's head is %d, want %d and the %d events that were confirmed", head, m.started, len(m.events))
	}
	return states
}

func manyExplained(states []*model, q *kapivara.AppendMany, got manyAnswer) bool {
	for _, m := range states {
		want, code := m.clone().many(q)
		if code != kapivara.CodeOf(got.err) || got.err != nil && code == "" {
			continue
		}
		if code != "" || samePlaces(want, got.AppendManyResult) {
			return true
		}
	}
	return false
}

// samePlaces compares what stays true of a repeat: the places of its events, not how far its streams have come since.
func samePlaces(x, y *kapivara.AppendManyResult) bool {
	return slices.EqualFunc(x.Appends, y.Appends, func(a, b kapivara.AppendResult) bool { return reflect.DeepEqual(a.Events, b.Events) })
}
