package client

import (
	"context"
	"encoding/json"
	"fmt"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Append stores events in one stream, all or nothing, in the name of a publisher. When it returns without error they are
// durable. An event without an id gets one, in a.Events itself: the same Append sent again is a repeat and stores nothing
// twice. On an error for which IsRetryable holds send it again, as Retry does:
//
//	err := client.Retry(ctx, func(ctx context.Context) (err error) {
//		result, err = c.Append(ctx, "loans-api", a)
//		return err
//	})
func (c *Client) Append(ctx context.Context, publisher string, a Append) (AppendResult, error) {
	if err := kapivara.CheckToken("publisher", "a publisher", publisher); err != nil {
		return AppendResult{}, fmt.Errorf("append: %w", err)
	}
	for i := range a.Events {
		if a.Events[i].ID == "" {
			a.Events[i].ID = NewID()
		}
	}
	subject := wire.Append(publisher)
	reply, err := c.Request(ctx, subject, wire.EncodeAppend(nil, &a))
	if err != nil {
		return AppendResult{}, fmt.Errorf("append: %w", err)
	}
	result, err := wire.DecodeAppendReply(reply)
	if err != nil {
		return AppendResult{}, fmt.Errorf("append: %s: %w", subject, err)
	}
	return result, nil
}

// JSON makes an event whose data is v as JSON, with a new id. Set its other fields as you like.
func JSON(eventType string, v any) (NewEvent, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return NewEvent{}, fmt.Errorf("data of %s: %w", eventType, err)
	}
	return NewEvent{ID: NewID(), Type: eventType, Kind: JSONData, Data: data}, nil
}
