package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Request sends any request of the protocol and gives the body of its answer; a refusal is an *Error. It is the way to
// what has no method here. It waits for the answer as long as WithTimeout says, or until ctx ends. Of requests of
// 16 KiB and more no more are on their way at once than 4 MiB; others wait for their turn until ctx ends, which counts for
// no WithTimeout.
func (c *Client) Request(ctx context.Context, subject string, body []byte) ([]byte, error) {
	return c.request(ctx, subject, body, 0)
}

// request waits longer by the time for which the service holds the answer back.
func (c *Client) request(ctx context.Context, subject string, body []byte, held time.Duration) ([]byte, error) {
	leave, err := c.window.enter(ctx, len(body))
	if err != nil {
		return nil, c.unanswered(err, subject)
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, c.timeout+held)
	defer cancel()
	return c.exchange(ctx, subject, body)
}

// exchange sends a request and waits for its answer until ctx ends.
func (c *Client) exchange(ctx context.Context, subject string, body []byte) ([]byte, error) {
	reply, err := c.nc.RequestWithContext(ctx, subject, body)
	if err != nil {
		return nil, c.unanswered(err, subject)
	}
	if refusal := wire.DecodeError(reply.Header.Get, reply.Data); refusal != nil {
		return nil, refusal
	}
	if len(reply.Data) < maxPubAck && wire.IsPubAck(reply.Data) {
		return nil, kapivara.Refuse(kapivara.Internal,
			"a JetStream stream laid over %s has answered in the service's place: create it with --no-ack", subject)
	}
	return reply.Data, nil
}

// maxPubAck is more than any acknowledgement of JetStream takes: longer answers need not be looked into.
const maxPubAck = 1024

// ask sends a request as JSON and reads the answer into reply; step is named in errors.
func (c *Client) ask(ctx context.Context, step, subject string, request, reply any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	answer, err := c.request(ctx, subject, body, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	if err := json.Unmarshal(answer, reply); err != nil {
		return fmt.Errorf("%s: the answer on %s is not Kapivara's: %w", step, subject, err)
	}
	return nil
}
