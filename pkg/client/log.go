package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kapivara/pkg/wire"
)

// LogQuery asks for the events of the whole log after a log position. Zero fields do not bound.
type LogQuery struct {
	Context  string        // "" = all contexts
	After    int64         // exclusive; backward: below it, 0 = from the end
	Limit    int           // of a page, 1 to 10000; 0 = 100
	Wait     time.Duration // how long an empty page is held back until an event fits; at most 30 s
	Backward bool
	// Types, Streams and Publishers must all fit.
	Types, Streams, Publishers Filter
	Since, Until               time.Time // bounds of the time of recording
}

// LogPage is a stretch of the log.
type LogPage struct {
	Events []Event
	Head   int64 // the log's head when the page was read
	// Next is how far the query has looked, past events that did not fit. Keep it with what you made of the events and
	// send it as After.
	Next int64
	More bool // the log goes on after the page
}

// Log reads one page of the log.
func (c *Client) Log(ctx context.Context, q LogQuery) (LogPage, error) {
	request := struct {
		After      int64     `json:"after,omitempty"`
		Limit      int       `json:"limit,omitempty"`
		Wait       string    `json:"wait,omitempty"`
		Backward   bool      `json:"backward,omitempty"`
		Types      Filter    `json:"types,omitempty"`
		Streams    Filter    `json:"streams,omitempty"`
		Publishers Filter    `json:"publishers,omitempty"`
		Since      time.Time `json:"since,omitzero"`
		Until      time.Time `json:"until,omitzero"`
	}{q.After, q.Limit, duration(q.Wait), q.Backward, q.Types, q.Streams, q.Publishers, q.Since, q.Until}
	body, err := json.Marshal(request)
	if err != nil {
		return LogPage{}, fmt.Errorf("read log: %w", err)
	}
	subject := wire.Read("log", contextOrAll(q.Context))
	answer, err := c.request(ctx, subject, body, q.Wait)
	if err != nil {
		return LogPage{}, fmt.Errorf("read log: %w", err)
	}
	var reply struct {
		Events []json.RawMessage `json:"events"`
		Head   int64             `json:"head"`
		Next   *int64            `json:"next"`
		More   bool              `json:"more"`
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		return LogPage{}, fmt.Errorf("read log: the answer on %s is not Kapivara's: %w", subject, err)
	}
	if reply.Next == nil {
		return LogPage{}, fmt.Errorf("read log: the answer on %s is not Kapivara's: it has no next", subject)
	}
	events, err := wire.DecodeEvents(reply.Events)
	return LogPage{Events: events, Head: reply.Head, Next: *reply.Next, More: reply.More}, err
}
