package overnats_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
	"kapivara/pkg/wire"
)

// largeAppend is an append of one event with half a megabyte of data, to a stream of its own.
func largeAppend(name string) client.Append {
	data := append(append([]byte{'"'}, bytes.Repeat([]byte("x"), 500_000)...), '"')
	return client.Append{Stream: client.Stream("shop/web/order/" + name), Events: []client.NewEvent{
		{ID: client.EventID(name), Type: "t", Kind: client.JSONData, Data: data},
	}}
}

// I-22: many large appends at once are all stored, and none of them is without an answer within the time-out of a client.
func TestManyLargeAppendsAtOnceAreAnswered(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	c, err := client.Connect(b.nats) // with the time-out that everybody has
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := b.Append(t.Context(), "clerk", largeAppend("first")); err != nil { // the exclusive road is behind
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			err := client.Retry(ctx, func(ctx context.Context) error {
				_, err := c.Append(ctx, "clerk", largeAppend(fmt.Sprint("order-", i)))
				if err != nil && client.CodeOf(err) == "" {
					t.Errorf("append %d is not answered: %v", i, err)
				}
				return err
			})
			if err != nil {
				t.Errorf("append %d in the end: %v", i, err)
			}
		})
	}
	all.Wait()
}

// I-22: clients that know no bounds, on connections of their own, send more at once than the writer takes and than NATS
// would keep for it: each request is answered, and the writer is there afterwards. (On a machine that is busy with other
// things a batch may take longer than the store is waited for: unavailable or outcome_unknown are answers as well.)
func TestMoreThanTheWriterTakesIsAnsweredBusy(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	if _, err := b.Append(t.Context(), "clerk", largeAppend("first")); err != nil {
		t.Fatal(err)
	}
	var ok, turnedAway atomic.Int32
	var all sync.WaitGroup
	const clients, each = 4, 20
	for i := range clients {
		all.Go(func() {
			nc, err := nats.Connect(b.nats)
			if err != nil {
				t.Error(err)
				return
			}
			defer nc.Close()
			answers, err := nc.SubscribeSync(nc.NewInbox())
			if err != nil {
				t.Error(err)
				return
			}
			for n := range each {
				a := largeAppend(fmt.Sprintf("flood-%d-%d", i, n))
				if err := nc.PublishRequest(wire.Append("clerk"), answers.Subject, wire.EncodeAppend(nil, &a)); err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
			}
			for range each {
				m, err := answers.NextMsg(2 * patience)
				if err != nil {
					t.Errorf("client %d: a request was not answered: %v", i, err)
					return
				}
				switch e := wire.DecodeError(m.Header.Get, m.Data); {
				case e == nil:
					ok.Add(1)
				case client.IsRetryable(e):
					turnedAway.Add(1)
				default:
					t.Errorf("client %d: got %v, want ok or busy", i, e)
				}
			}
		})
	}
	all.Wait()
	if turnedAway.Load() == 0 {
		t.Errorf("all %d were taken, which is more than the writer has in hand", ok.Load())
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := client.Retry(ctx, func(ctx context.Context) error {
		_, err := b.Append(ctx, "clerk", largeAppend("last"))
		return err
	})
	if err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
