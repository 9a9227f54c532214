package porttest

import (
	"fmt"
	"reflect"
	"testing"

	"kapivara/pkg/kapivara"
)

// AppendMany holds a writer over a store to what protocol section 3 says of append-many. open makes an empty store whose
// registry is open or strict.
func AppendMany(t *testing.T, open func(t testing.TB, open bool) AppendStore) {
	for name, test := range map[string]func(*testing.T, appendTest){
		"several streams are stored in the request's order":        manyPlaces,
		"a refusal of one append stores nothing of the others":     manyNothing,
		"refusals come code by code and name the append":           manyOrder,
		"every expectation that fails is listed":                   manyViolations,
		"a condition holds of a stream that is not written":        manyConditions,
		"conditions alone are answered and store nothing":          manyAlone,
		"a request of repeats alone is ok whatever conditions say": manyRepeats,
		"repeats beside new events expect nothing":                 manyMixed,
		"a condition on a foreign stream is forbidden":             manyForeign,
		"a schema is judged last":                                  manySchema,
		"an open registry learns of all appends":                   manyOpen,
		"streams completed by one request are due":                 manyDue,
		"a condition sees what another writer has stored":          manyTurns,
		"a condition sees what its own batch has stored":           manyBatch,
		"of two that each forbid the other one is done":            manySkew,
		"of a ring of conditions at least one is not done":         manyRing,
		"transfers keep the sum and overdraw nothing":              manyTransfers,
		"crossing requests of two writers are all answered":        manyCrossing,
		"a thousand streams in one request":                        manyStreams,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newAppendTest(open(t, true)))
		})
	}
}

// manyAnswer is what an append-many was answered.
type manyAnswer struct {
	*kapivara.AppendManyResult
	err error
}

func (w *appendWriter) beginMany(m *kapivara.AppendMany) <-chan manyAnswer {
	answer := make(chan manyAnswer, 1)
	w.AppendMany(w.publisher, m, func(r *kapivara.AppendManyResult, err error) { answer <- manyAnswer{r, err} })
	return answer
}

func (w *appendWriter) sendMany(t *testing.T, m *kapivara.AppendMany) manyAnswer {
	t.Helper()
	if err := m.Check(); err != nil {
		t.Fatalf("the test's own request is wrong: %v", err)
	}
	return <-w.beginMany(m)
}

func (w *appendWriter) okMany(t *testing.T, m *kapivara.AppendMany) *kapivara.AppendManyResult {
	t.Helper()
	answer := w.sendMany(t, m)
	if answer.err != nil {
		t.Fatalf("append-many: %v", answer.err)
	}
	return answer.AppendManyResult
}

func (w *appendWriter) refusedMany(t *testing.T, m *kapivara.AppendMany, code kapivara.Code, facts kapivara.Facts) {
	t.Helper()
	appendWantRefusal(t, w.sendMany(t, m).err, code, facts)
}

// together makes a request of appends.
func together(appends ...*kapivara.Append) *kapivara.AppendMany {
	m := &kapivara.AppendMany{}
	for _, a := range appends {
		m.Appends = append(m.Appends, *a)
	}
	return m
}

// where adds a condition.
func where(m *kapivara.AppendMany, stream string, expect kapivara.Expect) *kapivara.AppendMany {
	m.Conditions = append(m.Conditions, kapivara.Condition{Stream: kapivara.Stream(appendStream(stream)), Expect: expect})
	return m
}

// manyWrong are the facts of a wrong_version: of the append at an index, -1 where only conditions fail.
func manyWrong(index int, violations ...kapivara.Violation) kapivara.Facts {
	f := kapivara.Facts{Stream: violations[0].Stream, Expected: &violations[0].Expected, Actual: &violations[0].Actual, Violations: violations}
	if index >= 0 {
		f.Append = &index
	}
	return f
}

func violation(stream string, expected kapivara.Expect, actual int) kapivara.Violation {
	return kapivara.Violation{Stream: appendStream(stream), Expected: expected, Actual: actual}
}

func manyPlaces(t *testing.T, a appendTest) {
	w := a.writer(t)
	w.ok(t, appendTo("B", appendEvent("b1")))
	r := w.okMany(t, together(
		appendTo("A", appendEvent("a1"), appendEvent("a2")), appendExpect(kapivara.ExpectVersion(1), appendTo("B", appendFinal(0, "b2"))),
		appendTo("C", appendAt(3, "c3"), appendAt(1, "c1")),
	))
	want := []kapivara.AppendResult{
		{Stream: kapivara.Stream(appendStream("A")), Version: 2, Contiguous: 2, Events: []kapivara.Placed{
			{ID: "a1", Position: 1, LogPosition: 2, Stored: true}, {ID: "a2", Position: 2, LogPosition: 3, Stored: true},
		}},
		{Stream: kapivara.Stream(appendStream("B")), Version: 2, Contiguous: 2, Finish: 2, Complete: true, Events: []kapivara.Placed{
			{ID: "b2", Position: 2, LogPosition: 4, Stored: true},
		}},
		{Stream: kapivara.Stream(appendStream("C")), Version: 3, Contiguous: 1, Events: []kapivara.Placed{
			{ID: "c3", Position: 3, LogPosition: 5, Stored: true}, {ID: "c1", Position: 1, LogPosition: 6, Stored: true},
		}},
	}
	if !reflect.DeepEqual(r.Appends, want) {
		t.Errorf("got %+v, want %+v", r.Appends, want)
	}
	for i, id := range []string{"b1", "a1", "a2", "b2", "c3", "c1"} {
		if e := a.wantLog(t, 6)[i]; string(e.ID) != id {
			t.Errorf("log position %d holds %s, want %s", i+1, e.ID, id)
		}
	}
}

// I-03.
func manyNothing(t *testing.T, a appendTest) {
	w := a.writer(t)
	appendBefore(t, w)
	first := appendTo("new", appendEvent("n1"))
	for _, w := range []*appendWriter{w, a.writer(t)} {
		w.refusedMany(t, together(first, appendTo("S", appendAt(5, "x"))), kapivara.PositionTaken, inMany(1, appendTaken("S", 5, "s5")))
		w.refusedMany(t, together(first, appendTo("T", appendEvent("s1"))), kapivara.EventIDReused,
			inMany(1, appendFacts("S", func(f *kapivara.Facts) { f.ID, f.Position = "s1", to(1) })))
		w.refusedMany(t, together(first, appendTo("C", appendEvent("x"))), kapivara.StreamFinished, inMany(1, appendEnded("C", 2)))
	}
	a.wantLog(t, appendBeforeEvents)
	// What was refused has left nothing behind: its id is free.
	if r := w.ok(t, first); r.Version != 1 || !r.Events[0].Stored {
		t.Errorf("after the refusals: %+v", r)
	}
}

// inMany are the facts of a refusal as that of the append at an index.
func inMany(index int, f kapivara.Facts) kapivara.Facts {
	f.Append = &index
	return f
}

func manyOrder(t *testing.T, a appendTest) {
	w := a.writer(t)
	appendBefore(t, w)
	anew := kapivara.ExpectNew()
	// Each request has all the faults that follow as well, in appends before.
	taken, reused := appendTo("S", appendAt(5, "x")), appendTo("T", appendEvent("s1"))
	w.refusedMany(t, where(together(taken, reused, appendExpect(anew, appendTo("F", appendAt(2, "y")))), "none", kapivara.ExpectExists()),
		kapivara.WrongVersion, manyWrong(2, violation("F", anew, 4), violation("none", kapivara.ExpectExists(), 0)))
	w.refusedMany(t, together(taken, reused, appendCanary(true, appendTo("F", appendAt(2, "y")))),
		kapivara.CanaryMismatch, inMany(2, kapivara.Facts{Stream: appendStream("F")}))
	w.refusedMany(t, together(taken, reused), kapivara.EventIDReused,
		inMany(1, appendFacts("S", func(f *kapivara.Facts) { f.ID, f.Position = "s1", to(1) })))
	w.refusedMany(t, together(appendTo("C", appendEvent("z")), taken), kapivara.PositionTaken, inMany(1, appendTaken("S", 5, "s5")))
	a.wantLog(t, appendBeforeEvents)
}

func manyViolations(t *testing.T, a appendTest) {
	w := a.writer(t)
	appendBefore(t, w)
	version := kapivara.ExpectVersion
	m := where(where(where(together(
		appendExpect(version(1), appendTo("S", appendEvent("x"))), appendTo("N", appendEvent("y")),
		appendExpect(kapivara.ExpectExists(), appendTo("M", appendEvent("z"))),
	), "C", version(2)), "F", version(3)), "S", kapivara.ExpectNew())
	want := manyWrong(0, violation("S", version(1), 5), violation("M", kapivara.ExpectExists(), 0), violation("F", version(3), 4),
		violation("S", kapivara.ExpectNew(), 5))
	for _, w := range []*appendWriter{w, a.writer(t)} {
		w.refusedMany(t, m, kapivara.WrongVersion, want)
	}
	a.wantLog(t, appendBeforeEvents)
}

func manySchema(t *testing.T, a appendTest) {
	w := a.writer(t)
	schema := []byte(appendSchemaText)
	if _, err := a.registry.EventTypes.Set(t.Context(), kapivara.TypeKey{Publisher: "loans", Type: "opened"}, kapivara.EventTypePatch{Schema: &schema}); err != nil {
		t.Fatal(err)
	}
	bad := appendEvent("b2")
	bad.Data = []byte(appendBad)
	m := together(appendTo("A", appendEvent("a")), appendTo("B", appendEvent("b1"), bad))
	w.refusedMany(t, m, kapivara.SchemaViolation, inMany(1, kapivara.Facts{Path: "appends[1].events[1].data.amount"}))
	w.refusedMany(t, where(m, "A", kapivara.ExpectExists()), kapivara.WrongVersion, manyWrong(-1, violation("A", kapivara.ExpectExists(), 0)))
	a.wantLog(t, 0)
}

func manyOpen(t *testing.T, a appendTest) {
	w := a.writer(t)
	w.okMany(t, where(together(), "A", kapivara.ExpectNew()))
	w.refusedMany(t, where(together(appendTo("A", appendEvent("a"))), "B", kapivara.ExpectExists()), kapivara.WrongVersion,
		manyWrong(-1, violation("B", kapivara.ExpectExists(), 0)))
	if p, types := a.known(t); p+types != 0 {
		t.Errorf("conditions and a refusal registered %d publishers and %d types", p, types)
	}
	w.okMany(t, together(appendTo("A", appendEvent("a")), appendTo("B", appendTyped("paid", appendEvent("b")), appendEvent("c"))))
	if p, types := a.known(t); p != 1 || types != 2 {
		t.Errorf("an accepted request registered %d publishers and %d types, want 1 and 2", p, types)
	}
	audit := &appendWriter{w.Writer, "audit"}
	audit.refusedMany(t, together(appendTo("C", appendTyped("audited", appendEvent("d"))), appendTo("D", appendEvent("e"))), kapivara.Forbidden,
		inMany(1, kapivara.Facts{Publisher: "audit", Type: "opened"}))
	a.wantLog(t, 3)
}

func manyDue(t *testing.T, a appendTest) {
	all := a.subscriber(t, "all", kapivara.SubscriberPatch{})
	typed := a.subscriber(t, "typed", kapivara.SubscriberPatch{Types: to(kapivara.Filter{"paid"})})
	w := a.writer(t)
	w.okMany(t, together(
		appendTo("A", appendEvent("a1"), appendFinal(0, "a2")), appendTo("B", appendEvent("b1")),
		appendTo("C", appendTyped("paid", appendFinal(1, "c1"))), appendTo("D", appendFinal(2, "d2")),
	))
	a.wantDue(t, map[*kapivara.Subscriber][]int64{all: {2, 4}, typed: {4}})
	w.okMany(t, together(appendTo("D", appendTyped("paid", appendAt(1, "d1"))), appendTo("B", appendFinal(0, "b2"))))
	a.wantDue(t, map[*kapivara.Subscriber][]int64{all: {2, 4, 6, 7}, typed: {4, 6}})
}

func manyStreams(t *testing.T, a appendTest) {
	w := a.writer(t)
	m := &kapivara.AppendMany{}
	for i := range kapivara.MaxEvents {
		m.Appends = append(m.Appends, *appendTo(fmt.Sprint("S", i), appendEvent(fmt.Sprint(i))))
		where(m, fmt.Sprint("C", i), kapivara.ExpectNew())
	}
	r := w.okMany(t, m)
	for i := range r.Appends {
		if p := r.Appends[i].Events[0]; p.LogPosition != int64(i)+1 || p.Position != 1 {
			t.Fatalf("append %d: %+v", i, p)
		}
	}
	a.wantLog(t, kapivara.MaxEvents)
}
