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
// since the delivery before where the subscriber's mode is "appended". Raw is the delivery as it came.
type Delivery struct {
	kapivara.Delivery
	Raw      []byte
	pages    *Client // from which the events are read that did not come with it; nil where they did
	progress func(context.Context) error
	answer   func(context.Context, Answer) (Settled, error) // of a pulled one
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
	delivery  Delivery
	elsewhere bool // its events are to be read first
	reply     string
	extended  time.Time // when its deadline began to run, by our clock; its lane's lock guards it
	timer     *time.Timer
}

func newItem(msg *nats.Msg, now time.Time) (*item, error) {
	decoded, elsewhere, err := wire.DecodeDelivery(msg.Data)
	if err != nil {
		return nil, err
	}
	// A request of anybody may name a bucket's subject as its reply; only the dispatcher can be answered (T-03).
	if subscriber, _, ok := wire.ParseSettle(msg.Reply); !ok || subscriber != decoded.Subscriber {
		return nil, errors.New("it does not come from a dispatcher: its reply subject is no settle subject of the subscriber")
	}
	return &item{
		delivery:  Delivery{Delivery: decoded, Raw: msg.Data},
		elsewhere: elsewhere != nil, reply: msg.Reply, extended: now,
	}, nil
}
