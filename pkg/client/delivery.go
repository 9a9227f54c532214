package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Delivery is what a subscriber receives: a stream, whole and in order, or the stretch From to To by which it has grown
// since the delivery before where the subscriber's mode is "appended". Its events are read by Events or by All.
type Delivery struct {
	Subscriber string
	Bucket     Bucket
	Buckets    int // over how many buckets of its kind the rule chose
	Canary     bool
	Number     int64 // in its bucket
	Attempt    int   // 1 for the first
	Cause      Cause
	Stream     Stream
	Version    int  // of the stream when the delivery was made
	Finish     int  // 0 while unknown
	Complete   bool // all of 1 to Finish were stored
	From, To   int  // the positions of its events, both included
	AckWait    time.Duration
	Deadline   time.Time // until which the attempt is to be answered, by the store's clock
	Token      string    // of the attempt, for Client.Settle
	Committed  time.Time // zero unless committed
	Raw        []byte    // as it came, with no events where they are to be read; WriteJSON has them

	source   *source
	progress func(context.Context) error
	answer   func(context.Context, Answer) (Settled, error) // of a pulled one
}

// received is the delivery that came with its events, or whose events the client is to read.
func (c *Client) received(d *kapivara.Delivery, raw []byte) Delivery {
	return Delivery{
		Subscriber: d.Subscriber, Bucket: d.Bucket, Buckets: d.Buckets, Canary: d.Canary, Number: d.Number,
		Attempt: d.Attempt, Cause: d.Cause, Stream: d.Stream, Version: d.Version, Finish: d.Finish, Complete: d.Complete,
		From: d.From, To: d.To, AckWait: d.AckWait, Deadline: d.Deadline, Token: d.Token, Committed: d.Committed,
		Raw: raw, source: &source{client: c, events: d.Events},
	}
}

// Progress moves the deadline on by the subscriber's ack_wait, and returns when that is durable. A handler that works
// longer than ack_wait calls it now and then. On StaleToken another attempt has the delivery: stop working on it.
func (d *Delivery) Progress(ctx context.Context) error {
	if d.progress == nil {
		return errors.New("progress: the delivery is not being handled")
	}
	return d.progress(ctx)
}

// Settle answers an attempt by its token and returns once that is durable. Handlers need not: their return is the answer.
func (c *Client) Settle(ctx context.Context, subscriber, token string, answer Answer) (Settled, error) {
	return c.settle(ctx, wire.SettleRequest(subscriber), wire.EncodeSettle(token, answer))
}

func (c *Client) settle(ctx context.Context, subject string, body []byte) (Settled, error) {
	reply, err := c.Request(ctx, subject, body)
	if err != nil {
		return Settled{}, fmt.Errorf("settle: %w", err)
	}
	settled, err := wire.DecodeSettled(reply)
	if err != nil {
		return Settled{}, fmt.Errorf("settle: %w", err)
	}
	return settled, nil
}

// item is a delivery that waits for its turn or is being handled.
type item struct {
	delivery Delivery
	reply    string
	extended time.Time // when its deadline began to run, by our clock; its lane's lock guards it
	timer    *time.Timer
}

func (c *Client) newItem(msg *nats.Msg, now time.Time) (*item, error) {
	decoded, _, err := wire.DecodeDelivery(msg.Data)
	if err != nil {
		return nil, err
	}
	// A request of anybody may name a bucket's subject as its reply; only the dispatcher can be answered (T-03).
	if subscriber, _, ok := wire.ParseSettle(msg.Reply); !ok || subscriber != decoded.Subscriber {
		return nil, errors.New("it does not come from a dispatcher: its reply subject is no settle subject of the subscriber")
	}
	return &item{delivery: c.received(&decoded, msg.Data), reply: msg.Reply, extended: now}, nil
}
