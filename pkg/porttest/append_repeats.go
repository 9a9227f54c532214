package porttest

import (
	"testing"

	"kapivara/pkg/kapivara"
)

func appendRepeats(t *testing.T, a appendTest) {
	w := a.writer(t)
	first := w.ok(t, appendTo("S", appendEvent("a"), appendEvent("b")))
	w.ok(t, appendTo("T", appendEvent("x")))
	w.ok(t, appendTo("S", appendFinal(0, "c")))
	other := appendTo("S", appendEvent("b"), appendEvent("a"))
	other.Events[0].Attributes, other.Events[0].Time, other.Events[0].Source = []byte(`"subject":"other"`), "2020-01-01T00:00:00Z", "urn:y"
	canary := true
	other.Canary = &canary
	other.Expect = kapivara.ExpectNew() // of repeats alone nothing is expected
	for range 3 {
		r := w.ok(t, other)
		appendWant(t, r, &kapivara.AppendResult{
			Stream: first.Stream, Version: 3, Contiguous: 3, Finish: 3, Complete: true, Events: []kapivara.Placed{
				{ID: "b", Position: 2, LogPosition: first.Events[1].LogPosition},
				{ID: "a", Position: 1, LogPosition: first.Events[0].LogPosition},
			},
		})
	}
	if r := w.ok(t, appendTo("S", appendFinal(3, "c"))); r.Events[0].Stored || r.Events[0].Position != 3 {
		t.Errorf("a repeat with its position: %+v", r)
	}
	a.wantLog(t, 4)
}

// appendAltered are appends of the id a, stored as the first of stream S, that differ from it in one thing each.
func appendAltered() map[string]*kapivara.Append {
	event := func(change func(*kapivara.NewEvent)) *kapivara.Append {
		e := appendEvent("a")
		change(&e)
		return appendTo("S", e)
	}
	return map[string]*kapivara.Append{
		"another stream":              appendTo("T", appendEvent("a")),
		"another type":                event(func(e *kapivara.NewEvent) { e.Type = "closed" }),
		"another position":            event(func(e *kapivara.NewEvent) { e.Position = 9 }),
		"final":                       event(func(e *kapivara.NewEvent) { e.Final = true }),
		"other data":                  event(func(e *kapivara.NewEvent) { e.Data = []byte(`{ "of":"a"}`) }),
		"no data":                     event(func(e *kapivara.NewEvent) { e.Kind, e.Data = kapivara.NoData, nil }),
		"the bytes in another member": event(func(e *kapivara.NewEvent) { e.Kind = kapivara.BinaryData }),
		"a new one beside it": appendTo("S", appendEvent("new"), func() kapivara.NewEvent {
			e := appendEvent("a")
			e.Final = true
			return e
		}()),
	}
}

func appendReused(t *testing.T, a appendTest) {
	w := a.writer(t)
	w.ok(t, appendTo("S", appendEvent("a")))
	w.ok(t, appendTo("U", func() kapivara.NewEvent { e := appendEvent("u"); e.Type = "closed"; return e }()))
	for _, w := range []*appendWriter{w, a.writer(t)} {
		for name, altered := range appendAltered() {
			answer := w.send(t, altered)
			if answer.err == nil {
				t.Errorf("%s: taken for a repeat: %+v", name, answer.AppendResult)
				continue
			}
			appendWantRefusal(t, answer.err, kapivara.EventIDReused, kapivara.Facts{ID: "a", Stream: appendStream("S"), Position: to(1)})
		}
	}
	a.wantLog(t, 2)
}

func appendRestart(t *testing.T, a appendTest) {
	w := a.writer(t)
	first := w.ok(t, appendTo("S", appendEvent("a"), appendEvent("b"), appendFinal(0, "c")))
	w.Stop()
	for range 2 {
		w := a.writer(t)
		r := w.ok(t, appendExpect(kapivara.ExpectVersion(0), appendTo("S", appendEvent("a"), appendEvent("b"), appendFinal(0, "c"))))
		for i, placed := range r.Events {
			want := first.Events[i]
			want.Stored = false
			if placed != want {
				t.Errorf("after a restart: %+v, want %+v", placed, want)
			}
		}
		if !r.Complete || r.Version != 3 {
			t.Errorf("after a restart: %+v", r)
		}
		w.Stop()
	}
	a.wantLog(t, 3)
}

func appendMixed(t *testing.T, a appendTest) {
	w := a.writer(t)
	w.ok(t, appendTo("S", appendEvent("a"), appendEvent("b")))
	for _, w := range []*appendWriter{w, a.writer(t)} {
		// expect and positions concern the new ones, against the stream as it is now.
		w.refused(t, appendExpect(kapivara.ExpectNew(), appendTo("S", appendEvent("a"), appendEvent("no"))), kapivara.WrongVersion,
			kapivara.Facts{Stream: appendStream("S"), Expected: to(kapivara.ExpectNew()), Actual: to(2)})
	}
	appendWant(t, w.ok(t, appendExpect(kapivara.ExpectVersion(2), appendTo("S", appendEvent("c"), appendEvent("a"), appendEvent("d")))),
		&kapivara.AppendResult{
			Stream: kapivara.Stream(appendStream("S")), Version: 4, Contiguous: 4, Events: []kapivara.Placed{
				{ID: "c", Position: 3, LogPosition: 3, Stored: true},
				{ID: "a", Position: 1, LogPosition: 1},
				{ID: "d", Position: 4, LogPosition: 4, Stored: true},
			},
		})
	cold := a.writer(t)
	if r := cold.ok(t, appendTo("S", appendAt(1, "a"), appendFinal(5, "e"))); r.Events[0].Stored || !r.Events[1].Stored || !r.Complete {
		t.Errorf("a second writer: %+v", r)
	}
	a.wantLog(t, 5)
}
