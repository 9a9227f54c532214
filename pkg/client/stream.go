package client

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"kapivara/pkg/wire"
)

// StreamQuery asks for the events of one stream. Zero fields do not bound.
type StreamQuery struct {
	Stream   Stream    `json:"stream"`
	From     int       `json:"from,omitempty"` // positions, both included
	To       int       `json:"to,omitempty"`
	Limit    int       `json:"limit,omitempty"` // of a page, 1 to 1000; 0 = 100
	Backward bool      `json:"backward,omitempty"`
	Since    time.Time `json:"since,omitzero"` // bounds of the time of recording
	Until    time.Time `json:"until,omitzero"`
	Cursor   string    `json:"cursor,omitempty"` // Next of the page before
}

// StreamPage is a page of a stream, and the stream as it stood when the page was read.
type StreamPage struct {
	State  StreamState
	Events []Event
	Next   string // "" after the last page
}

// Stream reads one page of a stream.
func (c *Client) Stream(ctx context.Context, q StreamQuery) (StreamPage, error) {
	var reply struct {
		StreamState
		Events []json.RawMessage `json:"events"`
		Next   string            `json:"next"`
	}
	if err := c.ask(ctx, "read stream", wire.Read("stream", contextOf(q.Stream)), q, &reply); err != nil {
		return StreamPage{}, err
	}
	events, err := wire.DecodeEvents(reply.Events)
	return StreamPage{State: reply.StreamState, Events: events, Next: reply.Next}, err
}

// Read gives the events of a stream one after another, reading page after page.
func (c *Client) Read(ctx context.Context, q StreamQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			page, err := c.Stream(ctx, q)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range page.Events {
				if !yield(e, nil) {
					return
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return
			}
		}
	}
}

// Event reads one event by its id, in a context; "" is all contexts.
func (c *Client) Event(ctx context.Context, in string, id EventID) (Event, error) {
	var reply json.RawMessage
	request := struct {
		ID EventID `json:"id"`
	}{id}
	if err := c.ask(ctx, "read event", wire.Read("event", contextOrAll(in)), request, &reply); err != nil {
		return Event{}, err
	}
	return wire.DecodeEvent(reply)
}

// allContexts is the last token of a read subject that looks into every context.
const allContexts = "_"

func contextOrAll(name string) string {
	if name == "" {
		return allContexts
	}
	return name
}

// contextOf is the context of a stream; where the name is none the service says so.
func contextOf(s Stream) string {
	if _, err := ParseStream(string(s)); err != nil {
		return allContexts
	}
	return s.Context()
}
