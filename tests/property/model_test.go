package property

import (
	"maps"
	"slices"

	"kapivara/pkg/kapivara"
)

// model is protocol section 3 said once more, as plainly as it can be: no caches, no batches, everything looked up.
type model struct {
	events  []kapivara.Event // by log position
	canary  map[kapivara.Stream]bool
	started int64 // the log position before the first of events
}

func newModel(head int64) *model { return &model{canary: map[kapivara.Stream]bool{}, started: head} }

func (m *model) clone() *model {
	return &model{events: slices.Clone(m.events), canary: maps.Clone(m.canary), started: m.started}
}

func (m *model) byID(id kapivara.EventID) *kapivara.Event {
	for i := range m.events {
		if m.events[i].ID == id {
			return &m.events[i]
		}
	}
	return nil
}

// state is what a reply tells of a stream.
func (m *model) state(s kapivara.Stream) kapivara.AppendResult {
	r := kapivara.AppendResult{Stream: s}
	at := m.positions(s)
	for p := range at {
		r.Version = max(r.Version, p)
	}
	for at[r.Contiguous+1] {
		r.Contiguous++
	}
	for _, e := range m.events {
		if e.Stream == s && e.Final {
			r.Finish = e.Position
		}
	}
	r.Complete = r.Finish > 0 && r.Contiguous == r.Finish
	return r
}

func (m *model) positions(s kapivara.Stream) map[int]bool {
	at := map[int]bool{}
	for _, e := range m.events {
		if e.Stream == s {
			at[e.Position] = true
		}
	}
	return at
}

// append does what the protocol says: the reply, or the code of the refusal.
func (m *model) append(a *kapivara.Append) (*kapivara.AppendResult, kapivara.Code) {
	before := m.state(a.Stream)
	placed, next, news := make([]kapivara.Placed, len(a.Events)), before.Version+1, 0
	for i, e := range a.Events {
		placed[i] = kapivara.Placed{ID: e.ID, Position: e.Position, Stored: true}
		if s := m.byID(e.ID); s != nil && s.Stream == a.Stream && s.Type == e.Type && s.Final == e.Final && s.Kind == e.Kind &&
			string(s.Data) == string(e.Data) && (e.Position == 0 || e.Position == s.Position) {
			placed[i] = kapivara.Placed{ID: e.ID, Position: s.Position, LogPosition: s.LogPosition}
			continue
		}
		if e.Position == 0 {
			placed[i].Position = next
			next++
		}
		news++
	}
	if news > 0 {
		if code := m.judge(a, before, placed); code != "" {
			return nil, code
		}
		m.store(a, before, placed)
	}
	after := m.state(a.Stream)
	after.Events = placed
	return &after, ""
}

func (m *model) judge(a *kapivara.Append, before kapivara.AppendResult, placed []kapivara.Placed) kapivara.Code {
	at := m.positions(a.Stream)
	switch word := a.Expect.String(); {
	case word == "any":
	case word == "new" && before.Version > 0, word == "exists" && before.Version == 0:
		return kapivara.WrongVersion
	case word != "new" && word != "exists" && a.Expect != kapivara.ExpectVersion(before.Version):
		return kapivara.WrongVersion
	}
	if a.Canary != nil && before.Version > 0 && *a.Canary != m.canary[a.Stream] {
		return kapivara.CanaryMismatch
	}
	for _, rule := range []struct {
		code    kapivara.Code
		applies func(i int) bool
	}{
		{kapivara.EventIDReused, func(i int) bool { return m.byID(a.Events[i].ID) != nil }},
		{kapivara.PositionTaken, func(i int) bool { return at[placed[i].Position] }},
		{kapivara.StreamFinished, func(i int) bool { return before.Finish > 0 && placed[i].Position > before.Finish }},
		{kapivara.FinishConflict, func(i int) bool {
			return a.Events[i].Final && (before.Finish > 0 || placed[i].Position < before.Version)
		}},
	} {
		for i := range placed {
			if placed[i].Stored && rule.applies(i) {
				return rule.code
			}
		}
	}
	return ""
}

func (m *model) store(a *kapivara.Append, before kapivara.AppendResult, placed []kapivara.Placed) {
	if before.Version == 0 && a.Canary != nil {
		m.canary[a.Stream] = *a.Canary
	}
	for i, e := range a.Events {
		if placed[i].Stored {
			placed[i].LogPosition = m.started + int64(len(m.events)) + 1
			e.Position = placed[i].Position
			m.events = append(m.events, kapivara.Event{NewEvent: e, Stream: a.Stream, LogPosition: placed[i].LogPosition})
		}
	}
}
