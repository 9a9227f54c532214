package client

import (
	"context"
	"iter"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// StreamsQuery asks for a list of streams, by name. Zero fields do not bound.
type StreamsQuery struct {
	Context string        // "" = all contexts
	Prefix  string        // of the whole name
	State   string        // "open" or "complete"
	Idle    time.Duration // only streams of which nothing was recorded for so long
	Holes   bool          // only streams with missing positions
	Limit   int           // of a page, 1 to 1000; 0 = 100
	Cursor  string        // Next of the page before
}

// StreamsPage is a list of streams. A page that found little may have a Next, too.
type StreamsPage struct {
	Streams []StreamState
	Next    string // "" after the last page
}

// Streams reads one page of the list of streams.
func (c *Client) Streams(ctx context.Context, q StreamsQuery) (StreamsPage, error) {
	request := struct {
		Prefix string `json:"prefix,omitempty"`
		State  string `json:"state,omitempty"`
		Idle   string `json:"idle,omitempty"`
		Holes  bool   `json:"holes,omitempty"`
		Limit  int    `json:"limit,omitempty"`
		Cursor string `json:"cursor,omitempty"`
	}{q.Prefix, q.State, duration(q.Idle), q.Holes, q.Limit, q.Cursor}
	var reply struct {
		Streams []StreamState `json:"streams"`
		Next    string        `json:"next"`
	}
	if err := c.ask(ctx, "read streams", wire.Read("streams", contextOrAll(q.Context)), request, &reply); err != nil {
		return StreamsPage{}, err
	}
	return StreamsPage(reply), nil
}

// AllStreams gives the streams one after another, reading page after page.
func (c *Client) AllStreams(ctx context.Context, q StreamsQuery) iter.Seq2[StreamState, error] {
	return func(yield func(StreamState, error) bool) {
		for {
			page, err := c.Streams(ctx, q)
			if err != nil {
				yield(StreamState{}, err)
				return
			}
			for _, s := range page.Streams {
				if !yield(s, nil) {
					return
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return
			}
		}
	}
}

// duration is the wire's form, "" for 0.
func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return kapivara.FormatDuration(d)
}
