package client_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
)

// I-22: large requests wait for their turn in the client instead of filling the connection, their time-out begins with it,
// and small ones and whoever gives up are not held back by them.
func TestLargeRequestsWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	b := newBench(t, client.WithTimeout(30*time.Second))
	arrived := make(chan *nats.Msg, 64)
	b.serve(t, "large", func(m *nats.Msg) { arrived <- m })
	b.serve(t, "small", say("ok"))
	body := bytes.Repeat([]byte("x"), 1<<20-1)
	var requests sync.WaitGroup
	ask := func(ctx context.Context) error {
		_, err := b.client.Request(ctx, "large", body)
		return err
	}
	for range 10 {
		requests.Go(func() {
			if err := ask(t.Context()); err != nil {
				t.Errorf("a large request: %v", err)
			}
		})
	}
	var inHand []*nats.Msg
	for range 4 {
		inHand = append(inHand, take(t, arrived, "large request"))
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ask(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("who has given up got %v", err)
	}
	if answer, err := b.client.Request(t.Context(), "small", []byte("x")); err != nil || string(answer) != "ok" {
		t.Errorf("a small request behind large ones: %q, %v", answer, err)
	}
	if err := b.client.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	if err := b.other.Flush(); err != nil { // what was sent before has come in
		t.Fatal(err)
	}
	if pending := len(arrived); pending > 0 {
		t.Errorf("%d requests beyond the window are on their way", pending)
	}
	for range 6 {
		_ = inHand[0].Respond([]byte("ok"))
		inHand = append(inHand[1:], take(t, arrived, "next large request"))
	}
	for _, m := range inHand {
		_ = m.Respond([]byte("ok"))
	}
	requests.Wait()
}
