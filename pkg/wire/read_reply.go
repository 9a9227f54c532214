package wire

import (
	"strconv"

	"kapivara/pkg/kapivara"
)

// The pages below are written up to a number of bytes: one holds fewer entries, but at least one, and a next. Written
// parts are counted as they are, so no page ever passes the limit by a wrong guess.

// tailRoom is kept free for what follows the entries of a page: a cursor of the longest name, and braces.
const tailRoom = 1024

// appendEvents writes as many events as fit, at least one, and tells how many.
func appendEvents(dst []byte, events []kapivara.Event, most int) ([]byte, int) {
	return appendEntries(dst, events, most, AppendEvent)
}

// appendEntries writes [entry,entry…] with as many entries as fit below most, at least one, and tells how many.
func appendEntries[E any](dst []byte, entries []E, most int, appendEntry func([]byte, *E) []byte) ([]byte, int) {
	dst = append(dst, '[')
	for i := range entries {
		before := len(dst)
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendEntry(dst, &entries[i])
		if i > 0 && len(dst) > most-tailRoom {
			return append(dst[:before], ']'), i
		}
	}
	return append(dst, ']'), len(entries)
}

// AppendEventPage writes the reply of delivery: a stretch of events and next, at most so many bytes.
func AppendEventPage(dst []byte, p *kapivara.EventPage, most int) []byte {
	return append(appendEventPage(append(dst, '{'), p, most), '}')
}

// appendEventPage writes the members events and next.
func appendEventPage(dst []byte, p *kapivara.EventPage, most int) []byte {
	dst = append(dst, `"events":`...)
	dst, n := appendEvents(dst, p.Events, most)
	dst = append(dst, `,"next":`...)
	if n > 0 && (n < len(p.Events) || p.More) {
		return appendCursor(dst, cursorEvents, strconv.Itoa(p.Events[n-1].Position))
	}
	return append(dst, "null"...)
}

// AppendStreamPage writes the reply of stream, at most so many bytes.
func AppendStreamPage(dst []byte, p *kapivara.StreamPage, most int) []byte {
	dst = appendStreamState(append(dst, '{'), &p.StreamState)
	dst = appendEventPage(append(dst, ','), &p.EventPage, most)
	return append(dst, '}')
}

// appendStreamState writes the members that say where a stream stands.
func appendStreamState(dst []byte, s *kapivara.StreamState) []byte {
	dst = append(dst, `"stream":`...)
	dst = appendString(dst, string(s.Stream))
	dst = append(dst, `,"version":`...)
	dst = strconv.AppendInt(dst, int64(s.Version), 10)
	dst = append(dst, `,"contiguous":`...)
	dst = strconv.AppendInt(dst, int64(s.Contiguous), 10)
	dst = append(dst, `,"finish":`...)
	dst = appendOrNull(dst, s.Finish)
	dst = append(dst, `,"complete":`...)
	dst = strconv.AppendBool(dst, s.Complete())
	dst = append(dst, `,"canary":`...)
	dst = strconv.AppendBool(dst, s.Canary)
	dst = append(dst, `,"missing":[`...)
	for i, hole := range s.Missing {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '[')
		dst = strconv.AppendInt(dst, int64(hole.From), 10)
		dst = append(dst, ',')
		dst = strconv.AppendInt(dst, int64(hole.To), 10)
		dst = append(dst, ']')
	}
	return append(dst, ']')
}

// AppendLogPage writes the reply of log, at most so many bytes: events that do not fit are cut off, and next and more
// then say so.
func AppendLogPage(dst []byte, p *kapivara.LogPage, most int) []byte {
	dst = append(dst, `{"events":`...)
	dst, n := appendEvents(dst, p.Events, most)
	p.Cut(n)
	dst = append(dst, `,"head":`...)
	dst = strconv.AppendInt(dst, p.Head, 10)
	dst = append(dst, `,"next":`...)
	dst = strconv.AppendInt(dst, p.Next, 10)
	dst = append(dst, `,"more":`...)
	dst = strconv.AppendBool(dst, p.More())
	return append(dst, '}')
}

// AppendStreamsPage writes the reply of streams, at most so many bytes.
func AppendStreamsPage(dst []byte, p *kapivara.StreamsPage, most int) []byte {
	dst = append(dst, `{"streams":`...)
	dst, n := appendEntries(dst, p.Streams, most, func(dst []byte, s *kapivara.StreamState) []byte {
		dst = appendStreamState(append(dst, '{'), s)
		dst = append(dst, `,"last_recorded":`...)
		dst = appendTimeOrNull(dst, s.LastRecorded)
		return append(dst, '}')
	})
	next := p.Next
	if n < len(p.Streams) {
		next = p.Streams[n-1].Stream
	}
	dst = append(dst, `,"next":`...)
	if next == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendCursor(dst, cursorStreams, string(next))
	}
	return append(dst, '}')
}

// AppendExplanation writes the reply of explain. too_large where it would take more bytes: a subscriber must be named.
func AppendExplanation(dst []byte, e *kapivara.Explanation, most int) ([]byte, error) {
	start := len(dst)
	dst = appendStreamState(append(dst, '{'), &e.StreamState)
	dst = append(dst, `,"subscribers":[`...)
	for i := range e.Subscribers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendReason(dst, &e.Subscribers[i])
		if size := len(dst) - start; size > most {
			return dst[:start], &kapivara.Error{
				Code: kapivara.TooLarge, Message: "the stream stands with too many subscribers for one reply; name one subscriber",
				Facts: kapivara.Facts{Limit: &most, Size: &size},
			}
		}
	}
	return append(dst, ']', '}'), nil
}

func appendReason(dst []byte, r *kapivara.Reason) []byte {
	dst = append(dst, `{"subscriber":`...)
	dst = appendString(dst, r.Subscriber)
	dst = append(dst, `,"state":`...)
	dst = appendStringOrNull(dst, string(r.State))
	dst = append(dst, `,"reason":`...)
	dst = appendString(dst, r.Code)
	dst = append(dst, `,"why":`...)
	dst = appendString(dst, r.Why)
	dst = append(dst, `,"next_step":`...)
	dst = appendString(dst, r.NextStep)
	dst = append(dst, `,"bucket":`...)
	dst = appendString(dst, r.Bucket.String())
	dst = append(dst, `,"number":`...)
	dst = appendOrNull(dst, r.Number)
	dst = append(dst, `,"attempt":`...)
	dst = appendOrNull(dst, r.Attempt)
	dst = append(dst, `,"until":`...)
	dst = appendTimeOrNull(dst, r.Until)
	dst = append(dst, `,"committed":`...)
	dst = appendTimeOrNull(dst, r.Committed)
	return append(dst, '}')
}
