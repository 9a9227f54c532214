package porttest

import (
	"testing"

	"kapivara/pkg/kapivara"
)

func (a appendTest) known(t *testing.T) (publishers, types int) {
	t.Helper()
	r := must[*kapivara.Registry](t)(a.Registry.Registry(t.Context()))
	return len(r.Publishers), len(r.Types)
}

func appendOpen(t *testing.T, a appendTest) {
	w := a.writer(t)
	w.refused(t, appendExpect(kapivara.ExpectExists(), appendTo("S", appendEvent("a"))), kapivara.WrongVersion,
		appendWrong("S", kapivara.ExpectExists(), 0))
	if p, types := a.known(t); p+types != 0 {
		t.Errorf("a refused append registered %d publishers and %d types", p, types)
	}
	w.ok(t, appendTo("S", appendEvent("a"), appendTyped("closed", appendEvent("b")), appendTyped("closed", appendEvent("c"))))
	if p, types := a.known(t); p != 1 || types != 2 {
		t.Errorf("an accepted append registered %d publishers and %d types, want 1 and 2", p, types)
	}
	r := must[*kapivara.Registry](t)(a.Registry.Registry(t.Context()))
	if p := r.Publishers["loans"]; p == nil || !p.Streams.All() {
		t.Errorf("the publisher: %+v", p)
	}
	version := r.Version
	w.ok(t, appendTo("S", appendEvent("d")))
	w.ok(t, appendTo("S", appendEvent("a")))
	if r = must[*kapivara.Registry](t)(a.Registry.Registry(t.Context())); r.Version != version {
		t.Errorf("the registry went from version %d to %d without news", version, r.Version)
	}
	// Refused and accepted in one batch, of the same news.
	batch := a.idle(t)
	batch.publisher = "audit"
	refused := batch.begin(appendExpect(kapivara.ExpectNew(), appendTo("S", appendTyped("refused", appendEvent("x")))))
	accepted := batch.begin(appendTo("S", appendTyped("audited", appendEvent("y"))))
	batch.start(t)
	wantCode(t, (<-refused).err, kapivara.WrongVersion)
	if answer := <-accepted; answer.err != nil || answer.Version != 5 {
		t.Errorf("%+v", answer)
	}
	r = must[*kapivara.Registry](t)(a.Registry.Registry(t.Context()))
	if len(r.Publishers) != 2 || len(r.Types) != 3 || r.Types["audited"] == nil || r.Types["audited"].Publisher != "audit" {
		t.Errorf("the registry has %d publishers, types %v", len(r.Publishers), r.Types)
	}
	for _, e := range a.wantLog(t, 5)[4:] {
		if e.Publisher != "audit" || e.Type != "audited" {
			t.Errorf("stored %+v", e)
		}
	}
}

func appendOwner(t *testing.T, a appendTest) {
	w := a.writer(t)
	w.ok(t, appendTo("S", appendEvent("a")))
	batch := a.idle(t)
	other := &appendWriter{batch.Writer, "audit"}
	// Both would be first: the type belongs to whose append is accepted first.
	first := batch.begin(appendTo("T", appendTyped("closed", appendEvent("b"))))
	second := other.begin(appendTo("T", appendTyped("closed", appendEvent("c"))))
	third := other.begin(appendTo("S", appendEvent("a")))
	batch.start(t)
	if answer := <-first; answer.err != nil {
		t.Errorf("the first: %v", answer.err)
	}
	appendWantRefusal(t, (<-second).err, kapivara.Forbidden, kapivara.Facts{Publisher: "audit", Type: "closed"})
	// A repeat, too, is only its publisher's.
	appendWantRefusal(t, (<-third).err, kapivara.Forbidden, kapivara.Facts{Publisher: "audit", Type: "opened"})
	if p, types := a.known(t); p != 1 || types != 2 {
		t.Errorf("%d publishers and %d types, want 1 and 2", p, types)
	}
	a.wantLog(t, 2)
}

func appendFollowsRegistry(t *testing.T, a appendTest) {
	w := a.writer(t)
	w.ok(t, appendTo("S", appendEvent("a")))
	streams := kapivara.Filter{appendStream("T*")}
	must[*kapivara.Publisher](t)(a.registry.Publishers.Set(t.Context(), "loans", kapivara.PublisherPatch{Streams: &streams}))
	forbidden := kapivara.Facts{Publisher: "loans", Stream: appendStream("S")}
	w.refused(t, appendTo("S", appendEvent("b")), kapivara.Forbidden, forbidden)
	w.refused(t, appendTo("S", appendEvent("a")), kapivara.Forbidden, forbidden) // a repeat as well
	w.ok(t, appendTo("T1", appendEvent("b")))
	must[*kapivara.Publisher](t)(a.registry.Publishers.Set(t.Context(), "loans", kapivara.PublisherPatch{Streams: to(kapivara.Any())}))
	if r := w.ok(t, appendTo("S", appendEvent("a"))); r.Events[0].Stored {
		t.Errorf("%+v", r)
	}
	// The type goes to another publisher: what it sends again is a repeat still, and its new events carry its name.
	must[int64](t)(a.registry.EventTypes.Remove(t.Context(), kapivara.TypeKey{Publisher: "loans", Type: "opened"}))
	must[*kapivara.EventType](t)(a.registry.EventTypes.Set(t.Context(), kapivara.TypeKey{Publisher: "audit", Type: "opened"}, kapivara.EventTypePatch{}))
	w.refused(t, appendTo("S", appendEvent("c")), kapivara.Forbidden, kapivara.Facts{Publisher: "loans", Type: "opened"})
	audit := &appendWriter{w.Writer, "audit"}
	if r := audit.ok(t, appendTo("S", appendEvent("a"), appendEvent("c"))); r.Events[0].Stored || !r.Events[1].Stored {
		t.Errorf("%+v", r)
	}
	if log := a.wantLog(t, 3); log[0].Publisher != "loans" || log[2].Publisher != "audit" {
		t.Errorf("publishers %s and %s", log[0].Publisher, log[2].Publisher)
	}
}

func appendStrict(t *testing.T, a appendTest) {
	w := a.writer(t)
	w.refused(t, appendTo("S", appendEvent("a")), kapivara.Forbidden, kapivara.Facts{Publisher: "loans", Stream: appendStream("S")})
	streams := kapivara.Filter{appendStream("S*")}
	must[*kapivara.Publisher](t)(a.registry.Publishers.Set(t.Context(), "loans", kapivara.PublisherPatch{Streams: &streams}))
	w.refused(t, appendTo("S", appendEvent("a")), kapivara.Forbidden, kapivara.Facts{Publisher: "loans", Type: "opened"})
	must[*kapivara.EventType](t)(a.registry.EventTypes.Set(t.Context(), kapivara.TypeKey{Publisher: "loans", Type: "opened"}, kapivara.EventTypePatch{}))
	w.refused(t, appendTo("S", appendEvent("a"), appendTyped("closed", appendEvent("b"))), kapivara.Forbidden,
		kapivara.Facts{Publisher: "loans", Type: "closed"})
	w.refused(t, appendTo("T", appendEvent("a")), kapivara.Forbidden, kapivara.Facts{Publisher: "loans", Stream: appendStream("T")})
	w.ok(t, appendTo("S", appendEvent("a")))
	if p, types := a.known(t); p != 1 || types != 1 {
		t.Errorf("%d publishers and %d types, want 1 and 1", p, types)
	}
	a.wantLog(t, 1)
}
