package property

import (
	"fmt"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

// world is what the requests of one check are about: few streams, ids and positions, so that they meet.
type world struct {
	name string
	rt   *rapid.T
}

func (w world) requests(most int) []*kapivara.Append {
	var requests []*kapivara.Append
	for range rapid.IntRange(1, most).Draw(w.rt, "requests") {
		if len(requests) > 0 && rapid.IntRange(0, 3).Draw(w.rt, "again") == 0 {
			requests = append(requests, rapid.SampledFrom(requests).Draw(w.rt, "which"))
			continue
		}
		if a := w.request(); a.Check() == nil {
			requests = append(requests, a)
		}
	}
	return requests
}

func (w world) stream() kapivara.Stream {
	return kapivara.Stream(fmt.Sprintf("lending/loans/application/%s-%d", w.name, rapid.IntRange(0, 2).Draw(w.rt, "stream")))
}

func (w world) request() *kapivara.Append {
	a := &kapivara.Append{Stream: w.stream()}
	switch rapid.IntRange(0, 9).Draw(w.rt, "expect") {
	case 0:
		a.Expect = kapivara.ExpectNew()
	case 1:
		a.Expect = kapivara.ExpectExists()
	case 2, 3:
		a.Expect = kapivara.ExpectVersion(rapid.IntRange(0, 4).Draw(w.rt, "version"))
	}
	if n := rapid.IntRange(0, 9).Draw(w.rt, "canary"); n < 2 {
		canary := n == 0
		a.Canary = &canary
	}
	placed := rapid.Bool().Draw(w.rt, "placed")
	for range rapid.IntRange(1, 4).Draw(w.rt, "events") {
		a.Events = append(a.Events, w.event(placed))
	}
	return a
}

func (w world) event(placed bool) kapivara.NewEvent {
	e := kapivara.NewEvent{
		ID:    kapivara.EventID(fmt.Sprintf("%s-%d", w.name, rapid.IntRange(0, 19).Draw(w.rt, "id"))),
		Type:  rapid.SampledFrom([]string{"opened", "opened", "opened", "paid"}).Draw(w.rt, "type"),
		Final: rapid.IntRange(0, 5).Draw(w.rt, "final") == 0,
		Kind:  kapivara.JSONData, Data: []byte("1"),
	}
	switch rapid.IntRange(0, 9).Draw(w.rt, "data") {
	case 0:
		e.Data = []byte("2")
	case 1:
		e.Kind = kapivara.BinaryData
	case 2:
		e.Kind, e.Data = kapivara.NoData, nil
	}
	if placed {
		e.Position = rapid.IntRange(1, 7).Draw(w.rt, "position")
	}
	return e
}
