package client

import (
	"context"
	"iter"
)

// Subscriber is a name for which streams become due, with the settings of its deliveries. Durations are the wire's:
// "30s".
type Subscriber struct {
	Name          string   `json:"name"`
	Description   string   `json:"description"`
	System        string   `json:"system"`
	Types         Filter   `json:"types"`
	Streams       Filter   `json:"streams"`
	Buckets       int      `json:"buckets"`
	CanaryBuckets int      `json:"canary_buckets"`
	Deliver       string   `json:"deliver"`
	Start         RawJSON  `json:"start"` // "new", "beginning" or a log position
	AckWait       string   `json:"ack_wait"`
	MaxAttempts   int      `json:"max_attempts"`
	Backoff       []string `json:"backoff"`
	MaxInFlight   int      `json:"max_in_flight"`
	record
}

// SubscriberPatch changes the fields that are not nil.
type SubscriberPatch struct {
	Description   *string   `json:"description,omitempty"`
	System        *string   `json:"system,omitempty"`
	Types         *Filter   `json:"types,omitempty"`
	Streams       *Filter   `json:"streams,omitempty"`
	Buckets       *int      `json:"buckets,omitempty"`
	CanaryBuckets *int      `json:"canary_buckets,omitempty"`
	Deliver       *string   `json:"deliver,omitempty"`
	Start         any       `json:"start,omitempty"` // "new", "beginning" or a log position
	AckWait       *string   `json:"ack_wait,omitempty"`
	MaxAttempts   *int      `json:"max_attempts,omitempty"`
	Backoff       *[]string `json:"backoff,omitempty"`
	MaxInFlight   *int      `json:"max_in_flight,omitempty"`
}

// SetSubscriber creates a subscriber, or changes what the patch names.
func (c *Client) SetSubscriber(ctx context.Context, name string, patch SubscriberPatch) (Subscriber, error) {
	return registryCall[Subscriber](ctx, c, subscriberKind, "set", name, patch)
}

// Subscriber reads a subscriber's settings; SubscriberState tells how it is doing.
func (c *Client) Subscriber(ctx context.Context, name string) (Subscriber, error) {
	return registryCall[Subscriber](ctx, c, subscriberKind, "get", name, struct{}{})
}

// RemoveSubscriber removes a subscriber and ends its unsettled deliveries.
func (c *Client) RemoveSubscriber(ctx context.Context, name string) (Removed, error) {
	return registryCall[Removed](ctx, c, subscriberKind, "remove", name, struct{}{})
}

// Subscribers gives all subscribers.
func (c *Client) Subscribers(ctx context.Context) iter.Seq2[Subscriber, error] {
	return registryList[Subscriber](ctx, c, subscriberKind)
}
