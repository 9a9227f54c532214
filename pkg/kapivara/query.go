package kapivara

import (
	"strings"
	"time"
)

// Bounds of a page (protocol section 5).
const (
	DefaultPage = 100
	MaxPage     = 1000
	MaxLogPage  = 10_000
	MaxWait     = 30 * time.Second
	// MaxRanges is how many missing ranges of a stream are listed.
	MaxRanges = 100
)

// StreamQuery asks for the events of one stream between two positions, both included.
type StreamQuery struct {
	Stream   Stream
	From, To int // To 0 = to the end
	// After is the last position of the page before, 0 for the first page.
	After    int
	Limit    int
	Backward bool // from the highest position downwards
	// Since and Until bound the time of recording, both included; zero for no bound.
	Since, Until time.Time
	// Bytes is what the events of the page may weigh together, as Event.Weight counts; the page holds at least one event.
	Bytes int
}

// Check refuses what is out of bounds.
func (q *StreamQuery) Check() error {
	switch {
	case q.From < 1 || q.From > MaxPosition:
		return Invalid("from", "from is a position, 1 to %d", MaxPosition)
	case q.To < 0 || q.To > MaxPosition:
		return Invalid("to", "to is a position, 1 to %d", MaxPosition)
	}
	return checkLimit(q.Limit, MaxPage)
}

// Stretch is what is left to read: positions from low to high, both included. It is empty where low is above high.
func (q *StreamQuery) Stretch() (low, high int) {
	low, high = q.From, q.To
	if high == 0 {
		high = MaxPosition
	}
	if q.After > 0 && q.Backward {
		high = min(high, q.After-1)
	} else if q.After > 0 {
		low = max(low, q.After+1)
	}
	return low, high
}

// Ends tells whether the page's last event is the last that the query can give.
func (q *StreamQuery) Ends(p *StreamPage) bool {
	if len(p.Events) == 0 {
		return true
	}
	low, high := q.Stretch()
	last := p.Events[len(p.Events)-1].Position
	return q.Backward && last <= low || !q.Backward && last >= min(high, p.Version)
}

// Within tells whether a time of recording lies between the bounds, zero bounds being none.
func Within(recorded, since, until time.Time) bool {
	return (since.IsZero() || !recorded.Before(since)) && (until.IsZero() || !recorded.After(until))
}

// StreamState is a stream as it stands.
type StreamState struct {
	Stream     Stream
	Version    int
	Contiguous int
	Finish     int // 0 while unknown
	Canary     bool
	// Missing are the first holes, at most MaxRanges.
	Missing []Range
	// LastRecorded is when the latest event was recorded; set in lists of streams only.
	LastRecorded time.Time
}

// Complete tells whether the finish position is known and 1..finish are all stored.
func (s *StreamState) Complete() bool { return s.Finish > 0 && s.Contiguous == s.Finish }

// EventPage is a stretch of events. More tells that others may follow the last one.
type EventPage struct {
	Events []Event
	More   bool
}

// StreamPage is a page of a stream, and the stream as it stood when the page was read.
type StreamPage struct {
	StreamState
	EventPage
}

// LogQuery asks for the events of the whole log after (backward: below) a log position.
type LogQuery struct {
	Context  string // "" = all contexts
	After    int64  // exclusive; backward: 0 = from the end
	Limit    int
	Backward bool
	// Types, Streams and Publishers must all fit; nil fits everything.
	Types, Streams, Publishers Filter
	Since, Until               time.Time // bounds of the time of recording, both included; zero for no bound
	Bytes                      int       // as in StreamQuery
}

// Check refuses what is out of bounds.
func (q *LogQuery) Check() error {
	if q.After < 0 {
		return Invalid("after", "after is a log position, 0 or more")
	}
	for _, f := range [...]struct {
		path   string
		filter Filter
	}{{"types", q.Types}, {"streams", q.Streams}, {"publishers", q.Publishers}} {
		if f.filter == nil {
			continue
		}
		if err := f.filter.Check(f.path); err != nil {
			return err
		}
	}
	return checkLimit(q.Limit, MaxLogPage)
}

// Filtered tells whether the query passes over events.
func (q *LogQuery) Filtered() bool {
	all := func(f Filter) bool { return f == nil || f.All() }
	return q.Context != "" || !all(q.Types) || !all(q.Streams) || !all(q.Publishers) || !q.Since.IsZero() || !q.Until.IsZero()
}

// Fits tells whether the query wants the event, wherever it stands in the log.
func (q *LogQuery) Fits(e *Event) bool {
	fits := func(f Filter, s string) bool { return f == nil || f.Fits(s) }
	return (q.Context == "" || InContext(q.Context, e.Stream)) && fits(q.Types, e.Type) &&
		fits(q.Streams, string(e.Stream)) && fits(q.Publishers, e.Publisher) && Within(e.Recorded, q.Since, q.Until)
}

// InContext tells whether the stream is of the context.
func InContext(context string, s Stream) bool {
	rest, found := strings.CutPrefix(string(s), context)
	return found && strings.HasPrefix(rest, "/")
}

// LogPage is a stretch of the log.
type LogPage struct {
	Events   []Event
	Backward bool
	Head     int64 // the log's head when the page was read
	// Next is how far the query has looked, past events that did not fit: up to it, or backward down to it. It is sent
	// back as After.
	Next int64
}

// More tells whether the log goes on after the page.
func (p *LogPage) More() bool {
	if p.Backward {
		return p.Next > 1
	}
	return p.Next < p.Head
}

// Cut keeps the first n events, at least one; the page then has looked no further than to the last of them.
func (p *LogPage) Cut(n int) {
	if n < len(p.Events) {
		p.Events = p.Events[:n]
		p.Next = p.Events[n-1].LogPosition
	}
}

// Completion says which streams a list shows.
type Completion string

// The values of the list's filter; "" shows all.
const (
	Open     Completion = "open"
	Complete Completion = "complete"
)

// StreamsQuery asks for a list of streams, by name in byte order.
type StreamsQuery struct {
	Context string // "" = all contexts
	Prefix  string
	State   Completion
	Idle    time.Duration // only streams of which nothing was recorded for so long; 0 for all
	Holes   bool          // only streams with missing positions
	After   Stream        // the last stream looked at by the page before, "" for the first page
	Limit   int
}

// Check refuses what is out of bounds.
func (q *StreamsQuery) Check() error {
	if q.State != "" && q.State != Open && q.State != Complete {
		return Invalid("state", `state is "open" or "complete", not %q`, clip(string(q.State)))
	}
	return checkLimit(q.Limit, MaxPage)
}

// StreamsPage is a list of streams. Next is the last stream looked at, "" at the end of the list; a page that found
// little may have one, too.
type StreamsPage struct {
	Streams []StreamState
	Next    Stream
}

func checkLimit(limit, most int) error {
	if limit < 1 || limit > most {
		return Invalid("limit", "limit is 1 to %d, not %d", most, limit)
	}
	return nil
}

// Weight is about what the event takes in a reply, in bytes. It bounds what a page loads; the reply's own bytes are
// counted when it is written.
func (e *Event) Weight() int {
	data := len(e.Data)
	if e.Kind == BinaryData {
		data += data / 3
	}
	return data + len(e.Attributes) + EventWeight
}

// EventWeight is the weight of an event without data and attributes.
const EventWeight = 300
