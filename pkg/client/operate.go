package client

import (
	"context"
	"fmt"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// operatePatience is how long an operator's request is awaited where its context has no deadline.
const operatePatience = 10 * time.Minute

// Hide keeps deliveries of the subscriber that are pending, leased or hidden from being sent before o.Until, or for
// o.Delay. Name them by exactly one of o.Numbers, o.Stream and o.State. It returns how many were changed, or with
// o.DryRun how many would be. What it changes is taken away from whoever has it, whose answer then gets StaleToken.
//
// Like Park, Retry, Discard and Replay it goes through any number of deliveries, may take minutes, and is answered when
// all of it is durable: it waits until the deadline of ctx, and for ten minutes where ctx has none, whatever WithTimeout
// says. What IsRetryable may have been done in part: sent again it goes on with what is left, and counts that alone.
// NotFound says that there is no such subscriber, stream or numbered delivery.
func (c *Client) Hide(ctx context.Context, subscriber string, o Operation) (int, error) {
	return c.operate(ctx, kapivara.Hide, subscriber, o)
}

// Park sets deliveries that are pending, leased or hidden aside until they are retried; see Hide.
func (c *Client) Park(ctx context.Context, subscriber string, o Operation) (int, error) {
	return c.operate(ctx, kapivara.Park, subscriber, o)
}

// Retry makes deliveries that are hidden or parked pending, for one more attempt at least, even where the subscriber's
// attempts are used up; see Hide.
func (c *Client) Retry(ctx context.Context, subscriber string, o Operation) (int, error) {
	return c.operate(ctx, kapivara.Retry, subscriber, o)
}

// Discard gives up, for good, deliveries that are not committed; see Hide.
func (c *Client) Discard(ctx context.Context, subscriber string, o Operation) (int, error) {
	return c.operate(ctx, kapivara.Discard, subscriber, o)
}

// Replay has streams that became due to the subscriber in a range of the log sent once more, each whole and as a new
// delivery, and returns how many. A stream of which anything is due, leased, hidden or parked is left out. A zero
// Replay is of the whole log. How long it waits is said at Hide; sent again after what IsRetryable it also sends again
// what was replayed and committed meanwhile.
func (c *Client) Replay(ctx context.Context, subscriber string, r Replay) (int, error) {
	if err := checkReplay(subscriber, &r); err != nil {
		return 0, fmt.Errorf("replay: %w", err)
	}
	return c.change(ctx, "replay", subscriber, wire.EncodeReplay(&r))
}

func (c *Client) operate(ctx context.Context, verb kapivara.Verb, subscriber string, o Operation) (int, error) {
	o.Verb, o.Reason = verb, wire.Reason(o.Reason)
	if err := checkOperation(subscriber, &o); err != nil {
		return 0, fmt.Errorf("%s: %w", verb, err)
	}
	return c.change(ctx, string(verb), subscriber, wire.EncodeOperate(&o))
}

// change asks for an operator's verb and gives how many deliveries it has changed.
func (c *Client) change(ctx context.Context, verb, subscriber string, body []byte) (int, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, operatePatience)
		defer cancel()
	}
	answer, err := c.exchange(ctx, wire.Operate(verb, subscriber), body)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", verb, err)
	}
	changed, err := wire.DecodeChanged(answer)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", verb, err)
	}
	return changed, nil
}

// checkOperation refuses what could not be written as it was meant, or that no service takes.
func checkOperation(subscriber string, o *Operation) error {
	if err := kapivara.CheckToken("subscriber", "a subscriber", subscriber); err != nil {
		return err
	}
	for i, n := range o.Numbers {
		if n.Number < 1 {
			return kapivara.Invalid(fmt.Sprintf("numbers[%d].number", i), "the number of a delivery is 1 or more")
		}
	}
	if err := checkNamed(o.Stream); err != nil {
		return err
	}
	timed, delayed := !o.Until.IsZero(), o.Delay != 0
	switch {
	case o.Delay < 0:
		return kapivara.Invalid("delay", "a delay is not below 0")
	case o.Verb == kapivara.Hide && timed == delayed:
		return kapivara.Invalid("until", "say until when by exactly one of until and delay")
	case o.Verb != kapivara.Hide && (timed || delayed):
		return kapivara.Invalid("until", "until and delay go with hide only")
	}
	return o.Check()
}

func checkReplay(subscriber string, r *Replay) error {
	if err := kapivara.CheckToken("subscriber", "a subscriber", subscriber); err != nil {
		return err
	}
	switch {
	case !r.Since.IsZero() && r.After != 0:
		return kapivara.Invalid("after", "say where to begin by one of after and since")
	case r.To < 0:
		return kapivara.Invalid("to", "to is a log position, 1 or more, or 0 for the log's head")
	}
	if err := checkNamed(r.Stream); err != nil {
		return err
	}
	return r.Check()
}

// checkNamed checks a stream where one is named.
func checkNamed(stream Stream) error {
	if stream == "" {
		return nil
	}
	_, err := kapivara.ParseStream(string(stream))
	return err
}
