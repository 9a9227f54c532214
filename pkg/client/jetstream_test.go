package client_test

import (
	"context"
	"testing"

	"kapivara/pkg/client"
)

// A JetStream stream laid over our subjects without --no-ack answers every request in the service's place (protocol
// section 9). None of the SDK's calls takes that for an answer.
func TestTheAcknowledgementOfAJetStreamStreamIsNoAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.serve(t, "kapivara.v1.>", say(`{"stream":"ALL","domain":"hub","seq":7}`))
	c, ctx := b.client, t.Context()
	second := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"append":           second(c.Append(ctx, "shop", client.Append{Stream: "a/b/c/d", Events: []client.NewEvent{{ID: "x", Type: "t"}}})),
		"event":            second(c.Event(ctx, "", "x")),
		"stream":           second(c.Stream(ctx, client.StreamQuery{Stream: "a/b/c/d"})),
		"streams":          second(c.Streams(ctx, client.StreamsQuery{})),
		"log":              second(c.Log(ctx, client.LogQuery{})),
		"explain":          second(c.Explain(ctx, "a/b/c/d", "")),
		"bucket":           second(c.Bucket(ctx, "billing", client.BucketQuery{Bucket: "0"})),
		"last committed":   second(c.LastCommitted(ctx, "billing", "0")),
		"subscriber state": second(c.SubscriberState(ctx, "billing", client.SubscriberQuery{})),
		"set publisher":    second(c.SetPublisher(ctx, "shop", client.PublisherPatch{})),
		"publisher":        second(c.Publisher(ctx, "shop")),
		"remove publisher": second(c.RemovePublisher(ctx, "shop")),
		"set event type":   second(c.SetEventType(ctx, "shop", "t", client.EventTypePatch{})),
		"set subscriber":   second(c.SetSubscriber(ctx, "billing", client.SubscriberPatch{})),
		"subscriber":       second(c.Subscriber(ctx, "billing")),
		"settle":           second(c.Settle(ctx, "billing", "token", client.Answer{Verdict: client.Ack})),
		"any request":      second(c.Request(ctx, "kapivara.v1.next.billing", nil)),
		"list":             firstError(ctx, c),
	} {
		if client.CodeOf(err) != client.Internal || client.IsRetryable(err) {
			t.Errorf("%s: got %v, want it told that something else answers", name, err)
		}
	}
}

func firstError(ctx context.Context, c *client.Client) error {
	for _, err := range c.Subscribers(ctx) {
		return err
	}
	return nil
}
