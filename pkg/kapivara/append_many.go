package kapivara

import (
	"errors"
	"fmt"
)

// MaxConditions is the most conditions of one request.
const MaxConditions = 1000

// AppendMany is one request to store events in several streams, all or nothing. It is done only where each append's own
// expectation and every condition hold at the commit, also on streams that it does not write.
type AppendMany struct {
	Appends    []Append // a stream at most once; none where there are conditions
	Conditions []Condition
}

// Condition is what must hold of a stream, written or not, for a request to be done.
type Condition struct {
	Stream Stream
	Expect Expect
}

// AppendManyResult is the reply to an append-many: one result for each of its appends, in their order.
type AppendManyResult struct {
	Appends []AppendResult
}

// Check refuses what is wrong in the request by itself, whatever the streams hold.
func (m *AppendMany) Check() error {
	if len(m.Appends)+len(m.Conditions) == 0 {
		return Invalid("appends", "a request holds appends, or conditions, or both")
	}
	events := 0
	streams := make(map[Stream]struct{}, len(m.Appends))
	ids := map[EventID]struct{}{}
	for i := range m.Appends {
		a := &m.Appends[i]
		if err := a.Check(); err != nil {
			return InAppend(i, err)
		}
		if _, twice := streams[a.Stream]; twice {
			return InAppend(i, Invalid("stream", "the stream stands twice in the request; put its events into one append"))
		}
		streams[a.Stream] = struct{}{}
		for k := range a.Events {
			if _, twice := ids[a.Events[k].ID]; twice {
				return InAppend(i, Invalid(field(k, "id"), "the id %q stands twice in the request", clip(string(a.Events[k].ID))))
			}
			ids[a.Events[k].ID] = struct{}{}
		}
		events += len(a.Events)
	}
	if events > MaxEvents {
		return Oversize("the number of events", MaxEvents, events)
	}
	if len(m.Conditions) > MaxConditions {
		return Oversize("the number of conditions", MaxConditions, len(m.Conditions))
	}
	return nil
}

// InAppend makes the refusal of one append that of the request which holds it as its i-th: it names the append, and its
// path leads through it. A request that is no JSON at all stays without.
func InAppend(i int, err error) error {
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Code == InvalidRequest && refusal.Facts.Path == "" {
		return err
	}
	e := *refusal
	e.Facts.Append = &i
	e.Message = fmt.Sprintf("appends[%d]: %s", i, e.Message)
	if e.Facts.Path != "" {
		e.Facts.Path = fmt.Sprintf("appends[%d].%s", i, e.Facts.Path)
	}
	return &e
}
