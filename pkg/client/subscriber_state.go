package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kapivara/pkg/wire"
)

// SubscriberQuery asks for a subscriber with a page of its deliveries.
type SubscriberQuery struct {
	State  State  // "" = deliveries of all states
	Limit  int    // of a page, 1 to 1000; 0 = 100
	Cursor string // Next of the page before
}

// SubscriberState is a subscriber, its nodes, its buckets, and a page of its deliveries.
type SubscriberState struct {
	Subscriber Subscriber
	Listening  *bool     // whether the last sending met a node; nil until something was sent
	LastAnswer time.Time // zero until there was one
	// NobodyAnswers is since when no delivery was answered; zero where the last ones were.
	NobodyAnswers time.Time
	ExtraAnswers  int64 // answers to attempts that were settled already
	// Moving is how far what waits is placed by changed numbers of buckets; nil where all of it is.
	Moving     *Moving
	Buckets    []BucketState
	Deliveries []DeliveryRow
	Next       string  // "" after the last page
	Raw        RawJSON // the answer as it came
}

// Moving is how far a change of the numbers of buckets has come, in log positions: what is due up to Placed is in its
// bucket, what is due after it and up to Until is not yet, and is sent for the first time once it is.
type Moving struct {
	Placed int64 `json:"placed"`
	Until  int64 `json:"until"`
}

// BucketState counts the deliveries of a bucket.
type BucketState struct {
	Bucket     string  `json:"bucket"`
	Pending    int64   `json:"pending"`
	Leased     int64   `json:"leased"`
	Hidden     int64   `json:"hidden"`
	Parked     int64   `json:"parked"`
	Committed  int64   `json:"committed"`
	Discarded  int64   `json:"discarded"`
	Lag        int64   `json:"lag"`         // what is due and still to be settled
	LagSeconds float64 `json:"lag_seconds"` // since when the oldest of them is due
	Owner      string  `json:"owner"`
	Epoch      int64   `json:"epoch"`
	LastNumber int64   `json:"last_number"`
}

// SubscriberState reads how a subscriber is doing.
func (c *Client) SubscriberState(ctx context.Context, subscriber string, q SubscriberQuery) (SubscriberState, error) {
	request := struct {
		State  State  `json:"state,omitempty"`
		Limit  int    `json:"limit,omitempty"`
		Cursor string `json:"cursor,omitempty"`
	}{q.State, q.Limit, q.Cursor}
	var raw RawJSON
	if err := c.ask(ctx, "read subscriber", wire.Read("subscriber", subscriber), request, &raw); err != nil {
		return SubscriberState{}, err
	}
	var reply struct {
		Subscriber   Subscriber        `json:"subscriber"`
		Listening    *bool             `json:"listening"`
		LastAnswer   time.Time         `json:"last_answer"`
		Silent       time.Time         `json:"nobody_answers"`
		ExtraAnswers int64             `json:"extra_answers"`
		Moving       *Moving           `json:"moving"`
		Buckets      []BucketState     `json:"buckets"`
		Deliveries   []json.RawMessage `json:"deliveries"`
		Next         string            `json:"next"`
	}
	if err := json.Unmarshal(raw, &reply); err != nil {
		return SubscriberState{}, fmt.Errorf("read subscriber: the answer is not Kapivara's: %w", err)
	}
	rows, err := deliveryRows(reply.Deliveries)
	return SubscriberState{
		Subscriber: reply.Subscriber, Listening: reply.Listening, LastAnswer: reply.LastAnswer,
		NobodyAnswers: reply.Silent, ExtraAnswers: reply.ExtraAnswers, Moving: reply.Moving,
		Buckets: reply.Buckets, Deliveries: rows, Next: reply.Next, Raw: raw,
	}, err
}

func deliveryRows(raw []json.RawMessage) ([]DeliveryRow, error) {
	rows := make([]DeliveryRow, len(raw))
	for i := range raw {
		row, err := wire.DecodeDeliveryRow(raw[i])
		if err != nil {
			return nil, err
		}
		rows[i] = row
	}
	return rows, nil
}
