package kapivara

import (
	"slices"
	"time"
)

// Bounds of a subscriber's settings (protocol section 6).
const (
	MaxBuckets     = 1024
	MaxInFlight    = 1000
	MaxAttempts    = 1000
	MaxBackoff     = 100 // entries
	MinAckWait     = 100 * time.Millisecond
	MaxAckWait     = 12 * time.Hour
	MaxDescription = 2000 // bytes
)

// Publisher may append to the streams that fit.
type Publisher struct {
	Name        string
	Description string
	Streams     Filter
	Created     time.Time
	LogPosition int64 // the log's head at which the record was last changed
}

// EventType belongs to the one publisher that may append it.
type EventType struct {
	// Kind is the store's number of the pair (type, publisher). It is never given twice.
	Kind        int32
	Type        string
	Publisher   string
	Schema      []byte // a JSON Schema, nil where data of any form is taken
	Metadata    []byte // a JSON object as set, nil where none was
	Created     time.Time
	LogPosition int64
}

// Mode says when a stream is due.
type Mode string

// The modes of a subscriber.
const (
	DeliverComplete Mode = "complete" // once, whole, when nothing is missing up to the finish position
	DeliverAppended Mode = "appended" // at each growth of the contiguous part
)

// Subscriber is a name for which streams become due, with the settings of its deliveries.
type Subscriber struct {
	No            int32 // the store's number; a name that is removed and set again gets a new one
	Name          string
	Description   string
	System        string
	Types         Filter
	Streams       Filter
	Buckets       int
	CanaryBuckets int
	Deliver       Mode
	Start         Start
	AckWait       time.Duration
	MaxAttempts   int // 0 = without limit
	Backoff       []time.Duration
	MaxInFlight   int // of each bucket
	Created       time.Time
	LogPosition   int64
	// Behind tells that streams due before the subscriber was set are still being gathered.
	Behind bool
	// Grown tells that Deliver was DeliverAppended at some time: an earlier delivery of a stream may hold back a later one.
	Grown bool
	// Moving tells how far streams due before buckets were changed are placed by the new ones; nil where all are.
	Moving *Move
	Relaid int64 // how often Buckets or CanaryBuckets were changed
}

// Start says from where streams are due to a new subscriber: all that became due after a log position.
type Start struct {
	New   bool  // after the log position at which the subscriber is set
	After int64 // otherwise: after this one, 0 from the beginning
}

// NewSubscriber is a subscriber with the defaults of protocol section 6.
func NewSubscriber(name string) Subscriber {
	return Subscriber{
		Name: name, Types: Any(), Streams: Any(), Buckets: 8, Deliver: DeliverComplete, Start: Start{New: true},
		AckWait: 30 * time.Second, MaxAttempts: 10, MaxInFlight: 1,
		Backoff: []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute},
	}
}

// NewPublisher is a publisher with the defaults.
func NewPublisher(name string) Publisher { return Publisher{Name: name, Streams: Any()} }

// Check refuses a publisher with a bad name or filter.
func (p *Publisher) Check() error {
	if err := CheckToken("name", "a publisher", p.Name); err != nil {
		return err
	}
	if err := checkDescription(p.Description); err != nil {
		return err
	}
	return p.Streams.Check("streams")
}

// Check refuses a subscriber with a setting out of bounds.
func (s *Subscriber) Check() error {
	if err := CheckToken("name", "a subscriber", s.Name); err != nil {
		return err
	}
	if s.System != "" {
		if err := CheckToken("system", "a system", s.System); err != nil {
			return err
		}
	}
	if err := checkDescription(s.Description); err != nil {
		return err
	}
	if err := s.Types.Check("types"); err != nil {
		return err
	}
	if err := s.Streams.Check("streams"); err != nil {
		return err
	}
	for _, b := range [...]struct {
		path             string
		got, least, most int
	}{
		{"buckets", s.Buckets, 1, MaxBuckets},
		{"canary_buckets", s.CanaryBuckets, 0, MaxBuckets},
		{"max_in_flight", s.MaxInFlight, 1, MaxInFlight},
		{"max_attempts", s.MaxAttempts, 0, MaxAttempts},
	} {
		if b.got < b.least || b.got > b.most {
			return Invalid(b.path, "%s is %d to %d, not %d", b.path, b.least, b.most, b.got)
		}
	}
	return s.checkTimes()
}

func (s *Subscriber) checkTimes() error {
	if s.Deliver != DeliverComplete && s.Deliver != DeliverAppended {
		return Invalid("deliver", `deliver is "complete" or "appended", not %q`, clip(string(s.Deliver)))
	}
	if s.AckWait < MinAckWait || s.AckWait > MaxAckWait {
		return Invalid("ack_wait", "ack_wait is 100ms to 12h")
	}
	if len(s.Backoff) == 0 || len(s.Backoff) > MaxBackoff {
		return Invalid("backoff", "backoff has 1 to %d durations", MaxBackoff)
	}
	return nil
}

func checkDescription(s string) error {
	if len(s) > MaxDescription {
		return Invalid("description", "a description has at most %d bytes", MaxDescription)
	}
	return nil
}

// Registry is the registry as of one version: whoever holds it decides every append by the same rules.
type Registry struct {
	Version     int64
	Open        bool // unknown publishers and event types are registered at first use
	Publishers  map[string]*Publisher
	Types       map[string]*EventType
	Subscribers []*Subscriber
}

// Admit judges whether the publisher may append this: forbidden, or nil. Where the registry is open, what it does not
// know is admitted; Unknown tells what then has to be registered first.
func (r *Registry) Admit(publisher string, a *Append) error {
	p := r.Publishers[publisher]
	if p == nil && !r.Open {
		return &Error{
			Code: Forbidden, Message: "the publisher is not registered; set it in the registry first",
			Facts: Facts{Publisher: publisher, Stream: string(a.Stream)},
		}
	}
	for i := range a.Events {
		t := r.Types[a.Events[i].Type]
		switch {
		case t == nil && r.Open || t != nil && t.Publisher == publisher:
		case t == nil:
			return &Error{
				Code: Forbidden, Message: "the event type is not registered; set it in the registry first",
				Facts: Facts{Publisher: publisher, Type: a.Events[i].Type},
			}
		default:
			return &Error{
				Code: Forbidden, Message: "the event type belongs to another publisher",
				Facts: Facts{Publisher: publisher, Type: a.Events[i].Type},
			}
		}
	}
	if p != nil && !p.Streams.Fits(string(a.Stream)) {
		return &Error{
			Code: Forbidden, Message: "the publisher may not append to this stream",
			Facts: Facts{Publisher: publisher, Stream: string(a.Stream)},
		}
	}
	return nil
}

// Unknown lists what the append names and the registry has not: the publisher, and the event types without repeats.
func (r *Registry) Unknown(publisher string, a *Append) (newPublisher bool, types []string) {
	newPublisher = r.Publishers[publisher] == nil
	for i := range a.Events {
		t := a.Events[i].Type
		if r.Types[t] == nil && !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return newPublisher, types
}

// MayAppendTo tells whether the publisher may append to the stream at all.
func (r *Registry) MayAppendTo(publisher string, s Stream) bool {
	p := r.Publishers[publisher]
	return p == nil && r.Open || p != nil && p.Streams.Fits(string(s))
}

// NeedsTypes tells whether a stream is due by its event types for some subscriber, so that they must be known.
func (r *Registry) NeedsTypes() bool {
	return slices.ContainsFunc(r.Subscribers, func(s *Subscriber) bool { return !s.Types.All() })
}
