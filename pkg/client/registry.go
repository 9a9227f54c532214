package client

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"kapivara/pkg/wire"
)

// The kinds of registry records, as subjects name them.
const (
	publisherKind  = "publisher"
	eventTypeKind  = "event-type"
	subscriberKind = "subscriber"
)

// Removed is the answer to a removal.
type Removed struct {
	Removed     bool  `json:"removed"`
	LogPosition int64 `json:"log_position"` // the log's head at which it was made
}

// record is what every registry record has besides its own fields.
type record struct {
	Created     time.Time `json:"created,omitzero"`
	LogPosition int64     `json:"log_position,omitempty"`
}

func registryCall[R any](ctx context.Context, c *Client, kind, verb, name string, request any) (R, error) {
	var reply R
	err := c.ask(ctx, verb+" "+kind, wire.Registry(kind, verb, name), request, &reply)
	return reply, err
}

// registryList gives all records of a kind, reading page after page.
func registryList[R any](ctx context.Context, c *Client, kind string) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		request := struct {
			Cursor string `json:"cursor,omitempty"`
		}{}
		for {
			var reply struct {
				Items []R    `json:"items"`
				Next  string `json:"next"`
			}
			if err := c.ask(ctx, "list "+kind, wire.Registry(kind, "list"), request, &reply); err != nil {
				var none R
				yield(none, err)
				return
			}
			for _, item := range reply.Items {
				if !yield(item, nil) {
					return
				}
			}
			if request.Cursor = reply.Next; request.Cursor == "" {
				return
			}
		}
	}
}

// RawJSON is JSON kept to the byte.
type RawJSON = json.RawMessage
