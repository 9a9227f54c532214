package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// NextOptions say what a pull asks for. The zero value asks for one delivery of any bucket that is there now.
type NextOptions struct {
	Bucket string        // its name; "" = of any bucket
	Node   string        // who asks: of a claimed bucket its owner alone is served. "" = a node that claims nothing
	Batch  int           // the most deliveries, 1 to 100; 0 = 1
	Wait   time.Duration // how long the service holds an empty answer back, at most 30s
}

// Next pulls deliveries of the subscriber: up to o.Batch, none where nothing came within o.Wait. Answer each by its Ack, Nak
// or Term before its deadline, or move that on by Progress; what is not answered is sent again. Deliveries of one bucket
// stand in their order.
func (c *Client) Next(ctx context.Context, subscriber string, o NextOptions) ([]*Delivery, error) {
	q, err := o.query(subscriber)
	if err != nil {
		return nil, fmt.Errorf("next: %w", err)
	}
	answer, err := c.request(ctx, wire.Next(subscriber), wire.EncodeNext(&q), q.Wait)
	if err != nil {
		return nil, fmt.Errorf("next: %w", err)
	}
	pulled, err := wire.DecodeNextReply(answer)
	if err != nil {
		return nil, fmt.Errorf("next: %w", err)
	}
	deliveries := make([]*Delivery, len(pulled))
	for i := range pulled {
		d := c.received(&pulled[i].Delivery, pulled[i].Raw)
		d.answer = func(ctx context.Context, a Answer) (Settled, error) { return c.Settle(ctx, subscriber, d.Token, a) }
		d.progress = func(ctx context.Context) error {
			_, err := d.answer(ctx, Answer{Verdict: kapivara.Progress, Delay: wire.Backoff})
			return err
		}
		deliveries[i] = &d
	}
	return deliveries, nil
}

func (o *NextOptions) query(subscriber string) (q kapivara.NextQuery, err error) {
	if err := kapivara.CheckToken("subscriber", "a subscriber", subscriber); err != nil {
		return q, err
	}
	q = kapivara.NextQuery{Node: o.Node, Batch: o.Batch, Wait: o.Wait.Truncate(time.Millisecond)}
	if q.Batch == 0 {
		q.Batch = 1
	}
	if o.Bucket != "" {
		bucket, err := kapivara.ParseBucket("bucket", o.Bucket)
		if err != nil {
			return q, err
		}
		q.Bucket = &bucket
	}
	return q, q.Check()
}

// Ack commits a pulled delivery and returns once that is durable: it is never sent again. What IsRetryable is asked again,
// unseen, until ctx ends. StaleToken says that another attempt has the delivery. It refuses where the last reading of the
// events has failed.
func (d *Delivery) Ack(ctx context.Context) error {
	if err := d.unread(); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	return d.settle(ctx, Answer{Verdict: kapivara.Ack, Delay: wire.Backoff})
}

// Nak has a pulled delivery sent again by the subscriber's backoff, or after the delay of RetryAfter. The reason is shown
// to the operator, nil is none; see Ack.
func (d *Delivery) Nak(ctx context.Context, reason error) error {
	if reason == nil {
		return d.settle(ctx, Answer{Verdict: kapivara.Nak, Delay: wire.Backoff})
	}
	return d.settle(ctx, answerTo(reason))
}

// Term parks a pulled delivery: it is not sent again until an operator retries it. The reason is shown to the operator;
// see Ack.
func (d *Delivery) Term(ctx context.Context, reason error) error {
	return d.settle(ctx, answerTo(Terminate(reason)))
}

func (d *Delivery) settle(ctx context.Context, a Answer) error {
	if d.answer == nil {
		return errors.New("settle: the delivery was not pulled; what its handler returns is the answer")
	}
	return Retry(ctx, func(ctx context.Context) error {
		_, err := d.answer(ctx, a)
		return err
	})
}
