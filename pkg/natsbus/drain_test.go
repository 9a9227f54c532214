package natsbus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

func TestDrainAnswersAllThatWasAccepted(t *testing.T) {
	t.Parallel()
	const requests = 200
	taken := make(chan natsbus.Done, requests)
	srv, nc := serve(t, echo(func(_ context.Context, _ *natsbus.Request, done natsbus.Done) { taken <- done }), kit.Logger(t))
	inbox := nc.NewInbox()
	answers, err := nc.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	for range requests {
		if err := nc.PublishRequest(wire.Prefix+"echo.x", inbox, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil { // the server has handed on all of them
		t.Fatal(err)
	}
	drained := make(chan error, 1)
	go func() { drained <- srv.Drain(t.Context()) }()
	held := make([]natsbus.Done, requests)
	for i := range held {
		held[i] = receive(t, taken)
	}
	select {
	case err := <-drained:
		t.Fatalf("drained with %d requests in hand: %v", len(held), err)
	default:
	}
	for _, done := range held {
		done([]byte("ok"), nil)
	}
	if err := receive(t, drained); err != nil {
		t.Error(err)
	}
	for i := range requests {
		if m, err := answers.NextMsg(patience); err != nil || string(m.Data) != "ok" {
			t.Fatalf("answer %d: got %v, %v; want ok", i, m, err)
		}
	}
	if _, err := nc.Request(wire.Prefix+"echo.x", nil, patience); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("after the drain: got %v, want no responders", err)
	}
}

func TestDrainTellsWhatIsLeftWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	taken := make(chan natsbus.Done, 1)
	var handling context.Context
	srv, nc := serve(t, echo(func(ctx context.Context, _ *natsbus.Request, done natsbus.Done) {
		handling = ctx
		taken <- done
	}), kit.Logger(t))
	if err := nc.PublishRequest(wire.Prefix+"echo.x", nats.NewInbox(), nil); err != nil {
		t.Fatal(err)
	}
	done := receive(t, taken)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := srv.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want deadline exceeded", err)
	}
	<-handling.Done() // the handler is told to give up
	done(nil, kapivara.Refuse(kapivara.Unavailable, "stopped"))
}
