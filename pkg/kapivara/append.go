package kapivara

import "fmt"

// MaxEvents is the most events of one request.
const MaxEvents = 1000

// Append is one request to store events in a stream, all or nothing.
type Append struct {
	Stream Stream
	Expect Expect
	Canary *bool // nil = as the stream was begun
	Events []NewEvent
}

// Check refuses what is wrong in the request by itself, whatever the stream holds.
func (a *Append) Check() error {
	if len(a.Events) == 0 {
		return Invalid("events", "an append holds 1 to %d events", MaxEvents)
	}
	if len(a.Events) > MaxEvents {
		return Oversize("the number of events", MaxEvents, len(a.Events))
	}
	if len(a.Events) == 1 {
		return nil
	}
	return a.checkTogether()
}

// checkTogether holds the events of a request against one another.
func (a *Append) checkTogether() error {
	given := a.Events[0].Position > 0
	ids := make(map[EventID]struct{}, len(a.Events))
	positions := make(map[int]struct{}, len(a.Events))
	final, highest := -1, 0
	for i := range a.Events {
		e := &a.Events[i]
		if e.Position > 0 != given {
			return Invalid(field(i, "position"), "either all events of a request have a position or none")
		}
		if _, twice := ids[e.ID]; twice {
			return Invalid(field(i, "id"), "the id %q stands twice in the request", clip(string(e.ID)))
		}
		ids[e.ID] = struct{}{}
		if given {
			if _, twice := positions[e.Position]; twice {
				return Invalid(field(i, "position"), "the position %d stands twice in the request", e.Position)
			}
			positions[e.Position] = struct{}{}
			highest = max(highest, e.Position)
		}
		if e.Final {
			if final >= 0 {
				return Invalid(field(i, "final"), "only one event of a request can be final")
			}
			final = i
		}
	}
	if final >= 0 && (given && a.Events[final].Position < highest || !given && final < len(a.Events)-1) {
		return Invalid(field(final, "final"), "the final event has the highest position of its request")
	}
	return nil
}

func field(i int, name string) string { return fmt.Sprintf("events[%d].%s", i, name) }

// Known is what the store holds already of the ids and positions that an append names.
type Known struct {
	ByID map[EventID]*Event
	At   map[int]EventID // by position in the append's stream; only positions that the append gives
}

// Placed is the place of one event of an append: its entry in the reply.
type Placed struct {
	ID          EventID
	Position    int
	LogPosition int64
	Stored      bool // false for a repeat
}

// Decision is what is to be done with an append that fits.
type Decision struct {
	// Events has one entry for each event of the request, in its order. The log positions of the new ones are 0.
	Events []Placed
	// New counts the entries to be stored.
	New int
}

// Rules are the parts of a decision that do not rest on the stream.
type Rules struct {
	// Visible tells whether the publisher may append to the stream, so that a refusal may name it. Nil means none.
	Visible func(Stream) bool
	// Schema gives the schema violation of the i-th event or nil. Nil means that none has any.
	Schema func(i int) error
}

// Decide judges an append that passed Check against the stream as it is now: it sets repeats aside, then refuses by the
// order of protocol section 3, or gives the place of each event. It changes nothing; Apply does.
func Decide(a *Append, head *Head, known Known, rules Rules) (Decision, error) {
	d := place(a, head, known)
	if d.New == 0 {
		return d, nil
	}
	for _, judge := range [...]judge{
		judgeVersion, judgeCanary, judgeID, judgePosition, judgeFinished, judgeFinish, judgeSchema,
	} {
		if err := judge(a, head, known, rules, &d); err != nil {
			return Decision{}, err
		}
	}
	return d, nil
}

// place sets repeats aside and gives the others the positions that they would have.
func place(a *Append, head *Head, known Known) Decision {
	d := Decision{Events: make([]Placed, len(a.Events))}
	next := head.Version + 1
	for i := range a.Events {
		e := &a.Events[i]
		d.Events[i].ID = e.ID
		if s := known.ByID[e.ID]; s != nil && repeats(a.Stream, e, s) {
			d.Events[i].Position, d.Events[i].LogPosition = s.Position, s.LogPosition
			continue
		}
		d.Events[i].Stored = true
		d.Events[i].Position = e.Position
		if e.Position == 0 {
			d.Events[i].Position = next
			next++
		}
		d.New++
	}
	return d
}

// Apply gives the new events the log positions from first on, in the order of the request, and brings the head to where
// they lead. It returns the log positions of the event that completed the stream, and of the last one that let its
// contiguous part grow; 0 where none did.
func (d *Decision) Apply(a *Append, head *Head, first int64) (completed, grown int64) {
	if d.New > 0 && head.Version == 0 && a.Canary != nil {
		head.Canary = *a.Canary
	}
	for i := range d.Events {
		if !d.Events[i].Stored {
			continue
		}
		d.Events[i].LogPosition = first
		before := head.Contiguous
		head.Add(d.Events[i].Position, a.Events[i].Final)
		if head.Contiguous > before {
			grown = first
		}
		if completed == 0 && head.Complete() {
			completed = first
			head.Completed = first
		}
		first++
	}
	return completed, grown
}

func repeats(stream Stream, e *NewEvent, s *Event) bool {
	return s.Stream == stream && s.Type == e.Type && s.Final == e.Final && e.SameData(s.Kind, s.Data) &&
		(e.Position == 0 || e.Position == s.Position)
}

// AppendResult is the reply to an append: the stream as it is when the reply is made, and the place of each event.
type AppendResult struct {
	Stream     Stream
	Version    int
	Contiguous int
	Finish     int // 0 while unknown
	Complete   bool
	Events     []Placed
}
