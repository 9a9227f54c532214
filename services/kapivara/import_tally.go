package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"kapivara/pkg/client"
	"kapivara/services/kapivara/importlog"
)

// importTally counts what comes of an import. Its methods may be called side by side.
type importTally struct {
	mu       sync.Mutex
	started  time.Time
	events   int64
	kept     int64
	repeats  int64
	refusals map[string]*refusalCount
	streams  map[uint64]bool // by the hash of the name: whether it is complete
}

type refusalCount struct {
	Code    string `json:"code"`
	Count   int64  `json:"count"`
	Example string `json:"example"` // the first one
}

// unreadable is the code under which rows are counted that are no events.
const unreadable = "unreadable"

func (t *importTally) read(events int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events += int64(events)
}

func (t *importTally) stored(stream client.Stream, result client.AppendResult, counted int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.streams == nil {
		t.streams = map[uint64]bool{}
	}
	t.streams[stream.Hash()] = result.Complete
	t.kept += int64(counted)
	for i := range result.Events {
		if result.Events[i].Stored {
			t.kept++
		} else {
			t.repeats++
		}
	}
}

func (t *importTally) refused(stream client.Stream, e *client.NewEvent, refusal *client.Error) {
	t.count(string(refusal.Code), fmt.Sprintf("%s position %d, id %s: %s", stream, e.Position, e.ID, refusal.Message))
}

func (t *importTally) unreadable(bad *importlog.BadRow) { t.count(unreadable, bad.Error()) }

func (t *importTally) count(code, example string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refusals == nil {
		t.refusals = map[string]*refusalCount{}
	}
	r := t.refusals[code]
	if r == nil {
		r = &refusalCount{Code: code, Example: example}
		t.refusals[code] = r
	}
	r.Count++
}

// answered counts the events that are answered, stored or not.
func (t *importTally) answered() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.kept + t.repeats
	for code, r := range t.refusals {
		if code != unreadable {
			n += r.Count
		}
	}
	return n
}

// importSummary is what an import has come to.
type importSummary struct {
	File       string         `json:"file"`
	Into       string         `json:"into"`
	DryRun     bool           `json:"dry_run"`
	Events     int64          `json:"events"` // read and sent
	Stored     int64          `json:"stored"`
	Repeats    int64          `json:"repeats"`
	Refused    int64          `json:"refused"`
	Unreadable int64          `json:"unreadable"`
	Streams    int            `json:"streams"`
	Complete   int            `json:"complete"`
	Seconds    float64        `json:"seconds"`
	Rate       float64        `json:"events_per_second"`
	Refusals   []refusalCount `json:"refusals"`
}

func (t *importTally) summary() importSummary {
	answered := t.answered()
	t.mu.Lock()
	defer t.mu.Unlock()
	s := importSummary{
		Events: t.events, Stored: t.kept, Repeats: t.repeats, Streams: len(t.streams),
		Seconds: time.Since(t.started).Seconds(), Refusals: []refusalCount{},
	}
	for code, r := range t.refusals {
		s.Refusals = append(s.Refusals, *r)
		if code == unreadable {
			s.Unreadable = r.Count
		} else {
			s.Refused += r.Count
		}
	}
	slices.SortFunc(s.Refusals, func(a, b refusalCount) int { return strings.Compare(a.Code, b.Code) })
	for _, complete := range t.streams {
		if complete {
			s.Complete++
		}
	}
	s.Rate = float64(answered) / s.Seconds
	return s
}

func (s *importSummary) print(to io.Writer) {
	t := newTable(to, "import", s.File)
	t.row("into", s.Into)
	t.row("events", thousands(s.Events))
	if s.DryRun {
		t.row("streams", thousands(s.Streams))
	} else {
		t.row("stored", thousands(s.Stored))
		t.row("repeats", thousands(s.Repeats))
		t.row("refused", thousands(s.Refused))
		t.row("streams", fmt.Sprintf("%s, complete %s", thousands(s.Streams), thousands(s.Complete)))
	}
	if s.Unreadable > 0 {
		t.row("unreadable", thousands(s.Unreadable))
	}
	t.row("took", fmt.Sprintf("%.1f s, %s events/s", s.Seconds, thousands(int64(s.Rate))))
	t.flush()
	if len(s.Refusals) == 0 {
		return
	}
	fmt.Fprintln(to)
	t = newTable(to, "CODE", "COUNT", "THE FIRST ONE")
	for _, r := range s.Refusals {
		t.row(r.Code, thousands(r.Count), clip(r.Example, 160))
	}
	t.flush()
}
