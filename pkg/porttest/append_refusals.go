package porttest

import (
	"testing"

	"kapivara/pkg/kapivara"
)

// appendFacts are the facts of a refusal about a stream.
func appendFacts(stream string, change func(*kapivara.Facts)) kapivara.Facts {
	f := kapivara.Facts{Stream: appendStream(stream)}
	change(&f)
	return f
}

// appendBefore stores what the refusals are about: S has 1, 2, 5 and goes on, F has 1, 3 and finishes at 4, C is complete.
func appendBefore(t *testing.T, w *appendWriter) {
	t.Helper()
	w.ok(t, appendTo("S", appendAt(1, "s1"), appendAt(2, "s2"), appendAt(5, "s5")))
	w.ok(t, appendTo("F", appendAt(1, "f1"), appendAt(3, "f3"), appendFinal(4, "f4")))
	w.ok(t, appendTo("C", appendEvent("c1"), appendFinal(0, "c2")))
}

const appendBeforeEvents = 8

type appendRefusal struct {
	name   string
	append *kapivara.Append
	code   kapivara.Code
	facts  kapivara.Facts
}

// appendWantRefusals sends each to a writer that has stored what it is about, and to one that knows nothing.
func appendWantRefusals(t *testing.T, a appendTest, cases []appendRefusal) {
	t.Helper()
	warm := a.writer(t)
	appendBefore(t, warm)
	for _, w := range []*appendWriter{warm, a.writer(t)} {
		for _, c := range cases {
			answer := w.send(t, c.append)
			if answer.err == nil {
				t.Errorf("%s: accepted", c.name)
				continue
			}
			if got := kapivara.CodeOf(answer.err); got != c.code {
				t.Errorf("%s: got %v, want %s", c.name, answer.err, c.code)
				continue
			}
			appendWantRefusal(t, answer.err, c.code, c.facts)
		}
	}
	a.wantLog(t, appendBeforeEvents)
	// A refused append leaves nothing behind: its id and its position are free.
	if r := warm.ok(t, appendTo("S", appendAt(6, "n"))); r.Version != 6 || r.Contiguous != 2 {
		t.Errorf("after the refusals: %+v", r)
	}
}

func appendWrong(stream string, expected kapivara.Expect, actual int) kapivara.Facts {
	return appendFacts(stream, func(f *kapivara.Facts) { f.Expected, f.Actual = &expected, &actual })
}

func appendTaken(stream string, position int, id string) kapivara.Facts {
	return appendFacts(stream, func(f *kapivara.Facts) { f.Position, f.StoredID = &position, id })
}

func appendEnded(stream string, finish int, missing ...kapivara.Range) kapivara.Facts {
	return appendFacts(stream, func(f *kapivara.Facts) {
		f.Finish, f.Missing = &finish, append([]kapivara.Range{}, missing...)
	})
}

func appendCanary(canary bool, a *kapivara.Append) *kapivara.Append {
	a.Canary = &canary
	return a
}

func appendRefusals(t *testing.T, a appendTest) {
	anew, exists, five := kapivara.ExpectNew(), kapivara.ExpectExists(), kapivara.ExpectVersion
	appendWantRefusals(t, a, []appendRefusal{
		{"new, but stored", appendExpect(anew, appendTo("S", appendEvent("n"))), kapivara.WrongVersion, appendWrong("S", anew, 5)},
		{"exists, but missing", appendExpect(exists, appendTo("M", appendEvent("n"))), kapivara.WrongVersion, appendWrong("M", exists, 0)},
		{"version too low", appendExpect(five(4), appendTo("S", appendEvent("n"))), kapivara.WrongVersion, appendWrong("S", five(4), 5)},
		{"version too high", appendExpect(five(6), appendTo("S", appendEvent("n"))), kapivara.WrongVersion, appendWrong("S", five(6), 5)},
		{"version of a missing stream", appendExpect(five(1), appendTo("M", appendEvent("n"))), kapivara.WrongVersion, appendWrong("M", five(1), 0)},
		{"version 0, but stored", appendExpect(five(0), appendTo("S", appendEvent("n"))), kapivara.WrongVersion, appendWrong("S", five(0), 5)},
		{"canary", appendCanary(true, appendTo("S", appendEvent("n"))), kapivara.CanaryMismatch, kapivara.Facts{Stream: appendStream("S")}},
		{
			"id reused", appendTo("M", appendEvent("s1")), kapivara.EventIDReused,
			appendFacts("S", func(f *kapivara.Facts) { f.ID, f.Position = "s1", to(1) }),
		},
		{"position taken", appendTo("S", appendAt(5, "n")), kapivara.PositionTaken, appendTaken("S", 5, "s5")},
		{"position taken below", appendTo("S", appendAt(1, "n")), kapivara.PositionTaken, appendTaken("S", 1, "s1")},
		{"after the finish, missing", appendTo("F", appendAt(5, "n")), kapivara.StreamFinished, appendEnded("F", 4, kapivara.Range{From: 2, To: 2})},
		{"after the finish, next", appendTo("F", appendEvent("n")), kapivara.StreamFinished, appendEnded("F", 4, kapivara.Range{From: 2, To: 2})},
		{"after the finish, complete", appendTo("C", appendEvent("n")), kapivara.StreamFinished, appendEnded("C", 2)},
		{"final after the finish", appendTo("C", appendFinal(0, "n")), kapivara.StreamFinished, appendEnded("C", 2)},
		{"a second finish", appendTo("F", appendFinal(2, "n")), kapivara.FinishConflict, appendFacts("F", func(f *kapivara.Facts) { f.Finish = to(4) })},
		{"a finish below", appendTo("S", appendFinal(4, "n")), kapivara.FinishConflict, appendFacts("S", func(f *kapivara.Facts) { f.Version = to(5) })},
	})
}

func appendOrder(t *testing.T, a appendTest) {
	anew := kapivara.ExpectNew()
	schema := []byte(appendSchemaText)
	if _, err := a.registry.EventTypes.Set(t.Context(), kapivara.TypeKey{Publisher: "loans", Type: "opened"}, kapivara.EventTypePatch{Schema: &schema}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.registry.EventTypes.Set(t.Context(), kapivara.TypeKey{Publisher: "audit", Type: "audited"}, kapivara.EventTypePatch{}); err != nil {
		t.Fatal(err)
	}
	bad := func(e kapivara.NewEvent) kapivara.NewEvent { e.Data = []byte(appendBad); return e }
	foreign := func(e kapivara.NewEvent) kapivara.NewEvent { e.Type = "audited"; return e }
	appendWantRefusals(t, a, []appendRefusal{
		{
			"forbidden, then all others", appendCanary(true, appendExpect(anew, appendTo("F", foreign(appendAt(3, "n")), appendAt(4, "s1"), bad(appendFinal(9, "m"))))),
			kapivara.Forbidden,
			kapivara.Facts{Publisher: "loans", Type: "audited"},
		},
		{
			"forbidden, though a repeat stands beside", appendTo("S", appendEvent("s1"), foreign(appendEvent("n"))),
			kapivara.Forbidden,
			kapivara.Facts{Publisher: "loans", Type: "audited"},
		},
		{
			"wrong_version, then all others", appendCanary(true, appendExpect(anew, appendTo("F", appendAt(3, "n"), appendAt(4, "s1"), bad(appendFinal(9, "m"))))),
			kapivara.WrongVersion, appendWrong("F", anew, 4),
		},
		{
			"canary_mismatch, then all others", appendCanary(true, appendTo("F", appendAt(3, "n"), appendAt(4, "s1"), bad(appendFinal(9, "m")))),
			kapivara.CanaryMismatch,
			kapivara.Facts{Stream: appendStream("F")},
		},
		{
			"event_id_reused, then all others", appendTo("F", appendAt(3, "n"), appendAt(4, "s1"), bad(appendFinal(9, "m"))),
			kapivara.EventIDReused, appendFacts("S", func(f *kapivara.Facts) { f.ID, f.Position = "s1", to(1) }),
		},
		{
			"position_taken, then all others", appendTo("F", bad(appendFinal(9, "m")), appendAt(3, "n")),
			kapivara.PositionTaken, appendTaken("F", 3, "f3"),
		},
		{
			"stream_finished, then all others", appendTo("F", bad(appendAt(2, "n")), appendFinal(9, "m")),
			kapivara.StreamFinished, appendEnded("F", 4, kapivara.Range{From: 2, To: 2}),
		},
		{
			"finish_conflict, then schema_violation", appendTo("F", bad(appendFinal(2, "n"))),
			kapivara.FinishConflict, appendFacts("F", func(f *kapivara.Facts) { f.Finish = to(4) }),
		},
		{
			"schema_violation", appendTo("S", appendAt(3, "n"), bad(appendAt(4, "m"))),
			kapivara.SchemaViolation,
			kapivara.Facts{Path: "events[1].data.amount"},
		},
	})
}

func appendFirstNamed(t *testing.T, a appendTest) {
	appendWantRefusals(t, a, []appendRefusal{
		{"the first taken position", appendTo("S", appendAt(7, "n"), appendAt(5, "m"), appendAt(1, "o")), kapivara.PositionTaken, appendTaken("S", 5, "s5")},
		{
			"the first reused id", appendTo("M", appendEvent("n"), appendEvent("s2"), appendEvent("s1")), kapivara.EventIDReused,
			appendFacts("S", func(f *kapivara.Facts) { f.ID, f.Position = "s2", to(2) }),
		},
		{"a repeat is passed over", appendTo("S", appendAt(5, "s5"), appendAt(2, "n")), kapivara.PositionTaken, appendTaken("S", 2, "s2")},
	})
}

func appendForeign(t *testing.T, a appendTest) {
	w := a.writer(t)
	appendBefore(t, w)
	own := kapivara.Filter{appendStream("S"), "audit/*"}
	if _, err := a.registry.Publishers.Set(t.Context(), "audit", kapivara.PublisherPatch{Streams: &own}); err != nil {
		t.Fatal(err)
	}
	audit := &appendWriter{w.Writer, "audit"}
	event := func(id string) kapivara.NewEvent { e := appendEvent(id); e.Type = "audited"; return e }
	audit.refused(t, &kapivara.Append{Stream: "audit/x/y/1", Events: []kapivara.NewEvent{event("c1")}},
		kapivara.EventIDReused, kapivara.Facts{ID: "c1"})
	audit.refused(t, &kapivara.Append{Stream: "audit/x/y/1", Events: []kapivara.NewEvent{event("s2")}},
		kapivara.EventIDReused, appendFacts("S", func(f *kapivara.Facts) { f.ID, f.Position = "s2", to(2) }))
	for _, stream := range []string{"C", "not there"} {
		audit.refused(t, appendTo(stream, event("n")), kapivara.Forbidden, kapivara.Facts{Publisher: "audit", Stream: appendStream(stream)})
	}
	a.wantLog(t, appendBeforeEvents)
}

func appendFinish(t *testing.T, a appendTest) {
	w := a.writer(t)
	// The finish position may come first, alone, and what is missing in any order afterwards.
	if r := w.ok(t, appendTo("S", appendFinal(4, "d"))); r.Finish != 4 || r.Complete || r.Version != 4 || r.Contiguous != 0 {
		t.Errorf("finish first: %+v", r)
	}
	w.ok(t, appendTo("S", appendAt(3, "c"), appendAt(1, "a")))
	w.refused(t, appendTo("S", appendAt(5, "e")), kapivara.StreamFinished, appendEnded("S", 4, kapivara.Range{From: 2, To: 2}))
	if r := w.ok(t, appendTo("S", appendAt(2, "b"))); !r.Complete || r.Contiguous != 4 {
		t.Errorf("filled: %+v", r)
	}
	// A finish at the highest stored position plus one, over holes.
	w.ok(t, appendTo("T", appendAt(2, "t2"), appendAt(6, "t6")))
	if r := w.ok(t, appendTo("T", appendFinal(0, "t7"))); r.Finish != 7 || r.Complete {
		t.Errorf("finish over holes: %+v", r)
	}
	w.refused(t, appendTo("T", appendEvent("t8")), kapivara.StreamFinished,
		appendEnded("T", 7, kapivara.Range{From: 1, To: 1}, kapivara.Range{From: 3, To: 5}))
	// A stream of one event.
	if r := w.ok(t, appendTo("U", appendFinal(1, "u"))); !r.Complete || r.Finish != 1 {
		t.Errorf("a stream of one: %+v", r)
	}
	a.wantLog(t, 4+3+1)
}

func appendSchema(t *testing.T, a appendTest) {
	w := a.writer(t)
	schema := []byte(appendSchemaText)
	key := kapivara.TypeKey{Publisher: "loans", Type: "opened"}
	bad := appendEvent("a")
	bad.Data = []byte(appendBad)
	w.ok(t, appendTo("S", bad)) // before there was a schema
	if _, err := a.registry.EventTypes.Set(t.Context(), key, kapivara.EventTypePatch{Schema: &schema}); err != nil {
		t.Fatal(err)
	}
	if r := w.ok(t, appendTo("S", bad)); r.Events[0].Stored {
		t.Errorf("a repeat is ok whatever a schema says now: %+v", r)
	}
	worse := appendEvent("b")
	worse.Data = []byte(appendBad)
	w.refused(t, appendTo("S", bad, appendEvent("c"), worse), kapivara.SchemaViolation, kapivara.Facts{Path: "events[2].data.amount"})
	w.ok(t, appendTo("S", appendEvent("b")))
	a.wantLog(t, 2)
}
