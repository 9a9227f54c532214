package client

import (
	"context"
	"encoding/json"
	"fmt"

	"kapivara/pkg/wire"
)

// BucketQuery asks for the deliveries of a bucket. Zero fields do not bound.
type BucketQuery struct {
	Bucket string `json:"bucket"` // its name; SubscriberState reads those of all buckets
	State  State  `json:"state,omitempty"`
	Limit  int    `json:"limit,omitempty"`  // of a page, 1 to 1000; 0 = 100
	Cursor string `json:"cursor,omitempty"` // Next of the page before
}

// BucketPage is a list of deliveries.
type BucketPage struct {
	Deliveries []DeliveryRow
	Next       string // "" after the last page
}

// Bucket reads one page of a subscriber's deliveries.
func (c *Client) Bucket(ctx context.Context, subscriber string, q BucketQuery) (BucketPage, error) {
	var reply struct {
		Deliveries []json.RawMessage `json:"deliveries"`
		Next       string            `json:"next"`
	}
	if err := c.ask(ctx, "read bucket", wire.Read("bucket", subscriber), q, &reply); err != nil {
		return BucketPage{}, err
	}
	rows, err := deliveryRows(reply.Deliveries)
	return BucketPage{Deliveries: rows, Next: reply.Next}, err
}

// LastCommitted reads the delivery of a bucket that was committed last, by the time of its commit.
func (c *Client) LastCommitted(ctx context.Context, subscriber, bucket string) (*Delivery, error) {
	body, err := json.Marshal(BucketQuery{Bucket: bucket})
	if err != nil {
		return nil, fmt.Errorf("read last committed: %w", err)
	}
	answer, err := c.Request(ctx, wire.Read("last-committed", subscriber), body)
	if err != nil {
		return nil, fmt.Errorf("read last committed: %w", err)
	}
	decoded, _, err := wire.DecodeDelivery(answer)
	if err != nil {
		return nil, fmt.Errorf("decode delivery: %w", err)
	}
	d := c.received(&decoded, answer)
	return &d, nil
}
