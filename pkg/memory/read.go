package memory

import (
	"context"
	"slices"

	"kapivara/pkg/kapivara"
)

// Reader reads the log in memory: what the reader's port says of events, in the fewest words.
type Reader struct{ log *Log }

// NewReader reads from the log.
func NewReader(log *Log) *Reader { return &Reader{log} }

// Event reads one event by its id.
func (r *Reader) Event(_ context.Context, id kapivara.EventID) (kapivara.Event, error) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	if at := r.log.byID[id]; at > 0 {
		return r.log.events[at-1], nil
	}
	return kapivara.Event{}, kapivara.Refuse(kapivara.NotFound, "no event has this id")
}

// Stream reads a page of a stream.
func (r *Reader) Stream(_ context.Context, q kapivara.StreamQuery) (kapivara.StreamPage, error) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	s := r.log.streams[q.Stream]
	if s == nil {
		return kapivara.StreamPage{}, kapivara.Refuse(kapivara.NotFound, "no event of this stream is stored")
	}
	page := kapivara.StreamPage{StreamState: r.state(q.Stream)}
	low, high := q.Stretch()
	taken := pageOf(&page.EventPage, q.Limit, q.Bytes)
	for _, position := range inOrder(s.at, q.Backward) {
		e := &r.log.events[s.at[position]-1]
		if position < low || position > high || !kapivara.Within(e.Recorded, q.Since, q.Until) {
			continue
		}
		if !taken(e) {
			break
		}
	}
	return page, nil
}

// inOrder gives the keys in their order, or backward.
func inOrder(at map[int]int64, backward bool) []int {
	keys := make([]int, 0, len(at))
	for position := range at {
		keys = append(keys, position)
	}
	slices.Sort(keys)
	if backward {
		slices.Reverse(keys)
	}
	return keys
}

// pageOf gives a function that takes an event into the page. It is false once the page is full, which then says so.
func pageOf(page *kapivara.EventPage, limit, bytes int) func(*kapivara.Event) bool {
	weight := 0
	return func(e *kapivara.Event) bool {
		if len(page.Events) == limit || weight >= bytes {
			page.More = true
			return false
		}
		page.Events = append(page.Events, *e)
		weight += e.Weight()
		return true
	}
}

// state is a stream as it stands.
func (r *Reader) state(name kapivara.Stream) kapivara.StreamState {
	h := r.log.heads([]kapivara.Stream{name}, false)[name]
	return kapivara.StreamState{
		Stream: name, Version: h.Version, Contiguous: h.Contiguous, Finish: h.Finish, Canary: h.Canary,
		Missing: h.Missing(kapivara.MaxRanges),
	}
}

// Log reads the log to its end, or until the page is full.
func (r *Reader) Log(_ context.Context, q kapivara.LogQuery) (kapivara.LogPage, error) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	head := int64(len(r.log.events))
	page := kapivara.LogPage{Backward: q.Backward, Head: head, Next: max(q.After, head)}
	from, step := q.After+1, int64(1)
	if q.Backward {
		from, step, page.Next = q.After-1, -1, min(1, head)
		if q.After == 0 || q.After > head {
			from = head
		}
	}
	var events kapivara.EventPage
	taken := pageOf(&events, q.Limit, q.Bytes)
	for at := from; at >= 1 && at <= head; at += step {
		if e := &r.log.events[at-1]; q.Fits(e) && !taken(e) {
			page.Next = at - step
			break
		}
	}
	page.Events = events.Events
	return page, nil
}

// Streams lists the streams by name.
func (r *Reader) Streams(_ context.Context, q kapivara.StreamsQuery) (kapivara.StreamsPage, error) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	var names []kapivara.Stream
	for name := range r.log.streams {
		if name > q.After && (q.Context == "" || kapivara.InContext(q.Context, name)) && (kapivara.Filter{q.Prefix + "*"}).Fits(string(name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var page kapivara.StreamsPage
	for _, name := range names {
		s := r.state(name)
		for _, at := range r.log.streams[name].at {
			if recorded := r.log.events[at-1].Recorded; recorded.After(s.LastRecorded) {
				s.LastRecorded = recorded
			}
		}
		idle := q.Idle == 0 || !s.LastRecorded.After(r.log.now().Add(-q.Idle))
		if !idle || q.Holes && s.Missing == nil || q.State == kapivara.Open && s.Complete() || q.State == kapivara.Complete && !s.Complete() {
			continue
		}
		if len(page.Streams) == q.Limit {
			page.Next = page.Streams[q.Limit-1].Stream
			break
		}
		page.Streams = append(page.Streams, s)
	}
	return page, nil
}
