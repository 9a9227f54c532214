package porttest

import (
	"fmt"
	"reflect"
	"testing"

	"kapivara/pkg/kapivara"
)

func manyConditions(t *testing.T, a appendTest) {
	w := a.writer(t)
	appendBefore(t, w)
	version := kapivara.ExpectVersion
	for i, w := range []*appendWriter{w, a.writer(t)} {
		n := 2 * i
		m := func(id int, stream string, e kapivara.Expect) *kapivara.AppendMany {
			return where(together(appendTo("N", appendEvent(fmt.Sprint("n", id)))), stream, e)
		}
		w.okMany(t, m(n, "S", version(5)))
		w.okMany(t, m(n+1, "never", kapivara.ExpectNew()))
		w.refusedMany(t, m(99, "S", version(4)), kapivara.WrongVersion, manyWrong(-1, violation("S", version(4), 5)))
		w.refusedMany(t, m(99, "never", kapivara.ExpectExists()), kapivara.WrongVersion, manyWrong(-1, violation("never", kapivara.ExpectExists(), 0)))
		// A condition on a stream that is written is judged before it is.
		w.okMany(t, where(together(appendTo(fmt.Sprint("O", i), appendEvent(fmt.Sprint("o", i)))), fmt.Sprint("O", i), kapivara.ExpectNew()))
	}
	a.wantLog(t, appendBeforeEvents+6)
}

func manyAlone(t *testing.T, a appendTest) {
	w := a.writer(t)
	other := a.writer(t)
	ask := func(e kapivara.Expect) *kapivara.AppendMany { return where(together(), "S", e) }
	for version := range 4 {
		for _, w := range []*appendWriter{w, other} {
			if r := w.okMany(t, ask(kapivara.ExpectVersion(version))); len(r.Appends) != 0 {
				t.Errorf("got %+v", r)
			}
			w.refusedMany(t, ask(kapivara.ExpectVersion(version+1)), kapivara.WrongVersion,
				manyWrong(-1, violation("S", kapivara.ExpectVersion(version+1), version)))
		}
		other.ok(t, appendTo("S", appendEvent(fmt.Sprint(version))))
	}
	a.wantLog(t, 4)
}

// I-05: who retries cannot know whether the first one arrived, and it has changed what its conditions are about.
func manyRepeats(t *testing.T, a appendTest) {
	w := a.writer(t)
	anew := kapivara.ExpectNew()
	m := where(where(together(
		appendExpect(anew, appendTo("A", appendEvent("a"))), appendExpect(anew, appendTo("B", appendEvent("b1"), appendFinal(0, "b2"))),
	), "A", anew), "C", anew)
	first := w.okMany(t, m)
	w.ok(t, appendTo("C", appendEvent("c")))
	w.ok(t, appendTo("A", appendEvent("a2")))
	want := *first
	want.Appends = append([]kapivara.AppendResult(nil), first.Appends...)
	want.Appends[0].Version, want.Appends[0].Contiguous = 2, 2
	for i := range want.Appends {
		want.Appends[i].Events = append([]kapivara.Placed(nil), want.Appends[i].Events...)
		for k := range want.Appends[i].Events {
			want.Appends[i].Events[k].Stored = false
		}
	}
	for _, w := range []*appendWriter{w, a.writer(t), a.writer(t)} {
		if r := w.okMany(t, m); !reflect.DeepEqual(r, &want) {
			t.Errorf("got %+v, want %+v", r, want)
		}
	}
	altered := together(&m.Appends[0], appendTo("B", appendEvent("b1"), appendEvent("b2")))
	w.refusedMany(t, altered, kapivara.EventIDReused,
		inMany(1, appendFacts("B", func(f *kapivara.Facts) { f.ID, f.Position = "b2", to(2) })))
	a.wantLog(t, 5)
}

func manyMixed(t *testing.T, a appendTest) {
	w := a.writer(t)
	w.ok(t, appendTo("A", appendEvent("a")))
	anew := kapivara.ExpectNew()
	m := together(appendExpect(anew, appendTo("A", appendEvent("a"))), appendExpect(anew, appendTo("B", appendEvent("b"))))
	w.refusedMany(t, where(together(&m.Appends[0], &m.Appends[1]), "A", anew), kapivara.WrongVersion, manyWrong(-1, violation("A", anew, 1)))
	r := w.okMany(t, m)
	if p := r.Appends[0].Events[0]; p.Stored || p.LogPosition != 1 || !r.Appends[1].Events[0].Stored {
		t.Errorf("got %+v", r)
	}
	// Beside something new of its own an append's expectation counts.
	w.refusedMany(t, together(appendExpect(anew, appendTo("A", appendEvent("a"), appendEvent("a2"))), appendTo("C", appendEvent("c"))),
		kapivara.WrongVersion, manyWrong(0, violation("A", anew, 1)))
	a.wantLog(t, 2)
}

// T-17: a condition tells nobody of a stream that is not his.
func manyForeign(t *testing.T, a appendTest) {
	w := a.writer(t)
	appendBefore(t, w)
	own := kapivara.Filter{"audit/*"}
	if _, err := a.registry.Publishers.Set(t.Context(), "audit", kapivara.PublisherPatch{Streams: &own}); err != nil {
		t.Fatal(err)
	}
	audit := &appendWriter{w.Writer, "audit"}
	event := appendTyped("audited", appendEvent("n"))
	mine := &kapivara.Append{Stream: "audit/x/y/1", Events: []kapivara.NewEvent{event}}
	for _, stream := range []string{"S", "not there"} {
		for _, m := range []*kapivara.AppendMany{together(mine), together()} {
			audit.refusedMany(t, where(m, stream, kapivara.ExpectExists()), kapivara.Forbidden,
				kapivara.Facts{Publisher: "audit", Stream: appendStream(stream)})
		}
	}
	m := together(mine)
	m.Conditions = []kapivara.Condition{{Stream: "audit/x/y/2", Expect: kapivara.ExpectNew()}}
	audit.okMany(t, m)
	a.wantLog(t, appendBeforeEvents+1)
}

// What a writer remembers of a stream that it does not write is no older than the log.
func manyTurns(t *testing.T, a appendTest) {
	one, other := a.writer(t), a.writer(t)
	for i := range 8 {
		version := kapivara.ExpectVersion(i)
		m := where(together(appendTo("T", appendEvent(fmt.Sprint("t", i)))), "S", version)
		one.okMany(t, m) // it remembers S from now on
		other.ok(t, appendTo("S", appendEvent(fmt.Sprint("s", i))))
		stale := where(together(appendTo("T", appendEvent("never"))), "S", version)
		one.refusedMany(t, stale, kapivara.WrongVersion, manyWrong(-1, violation("S", version, i+1)))
	}
	a.wantLog(t, 16)
}

// Requests that share a transaction are decided one after another.
func manyBatch(t *testing.T, a appendTest) {
	w := a.idle(t)
	anew := kapivara.ExpectNew()
	first := w.beginMany(where(together(appendTo("A", appendEvent("a"))), "B", anew))
	second := w.beginMany(where(together(appendTo("B", appendEvent("b"))), "A", anew))
	third := w.beginMany(where(together(appendTo("B", appendEvent("c"))), "A", kapivara.ExpectVersion(1)))
	w.start(t)
	if answer := <-first; answer.err != nil {
		t.Error(answer.err)
	}
	appendWantRefusal(t, (<-second).err, kapivara.WrongVersion, manyWrong(-1, violation("A", anew, 1)))
	if answer := <-third; answer.err != nil {
		t.Error(answer.err)
	}
	a.wantLog(t, 2)
}
