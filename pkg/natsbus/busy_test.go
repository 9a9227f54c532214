package natsbus_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

func TestServeIsBusyBeyondWhatMayBeInHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		limit natsbus.Service
	}{
		{"requests", natsbus.Service{InFlight: 2}},
		{"bytes", natsbus.Service{InFlightBytes: 5}},
		{"requests with workers", natsbus.Service{InFlight: 2, Workers: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			taken := make(chan natsbus.Done, 2)
			s := echo(func(_ context.Context, _ *natsbus.Request, done natsbus.Done) { taken <- done })
			s.InFlight, s.InFlightBytes, s.Workers = c.limit.InFlight, c.limit.InFlightBytes, c.limit.Workers
			srv, nc := serve(t, s, kit.Logger(t))
			var waiting sync.WaitGroup
			for range 2 {
				waiting.Go(func() {
					if m, err := nc.Request(wire.Prefix+"echo.x", []byte("xx"), patience); err != nil || string(m.Data) != "ok" {
						t.Errorf("a request in hand: got %v, %v; want ok", m, err)
					}
				})
			}
			first, second := receive(t, taken), receive(t, taken)
			e := refusal(ask(t, nc, "xx"))
			if e == nil || e.Code != kapivara.Busy || e.Facts.RetryAfter == "" {
				t.Errorf("got %v, want busy with retry_after", e)
			}
			first([]byte("ok"), nil)
			second([]byte("ok"), nil)
			waiting.Wait()
			if data := endpointData(t, srv); data.Busy != 1 || data.InFlight != 0 || data.InFlightBytes != 0 {
				t.Errorf("got %+v, want 1 busy and nothing in flight", data)
			}
		})
	}
}

// A request whose turn comes too late is turned away instead of handled: whoever has sent it has given up, or soon will.
func TestServeIsBusyWhereTheWorkersComeTooLate(t *testing.T) {
	t.Parallel()
	s := echo(func(_ context.Context, _ *natsbus.Request, done natsbus.Done) {
		<-time.After(50 * time.Millisecond)
		done([]byte("ok"), nil)
	})
	s.Workers, s.QueuedFor = 1, time.Nanosecond
	srv, nc := serve(t, s, kit.Logger(t))
	answers := make(chan string, 20)
	for range cap(answers) {
		go func() { answers <- string(ask(t, nc, "xx").Data) }()
	}
	busy := 0
	for range cap(answers) {
		if answer := receive(t, answers); strings.Contains(answer, `"busy"`) {
			busy++
		} else if answer != "ok" {
			t.Errorf("got %s", answer)
		}
	}
	if data := endpointData(t, srv); busy == 0 || int(data.Busy) != busy || data.InFlight != 0 {
		t.Errorf("%d were turned away; the statistics say %+v", busy, data)
	}
}

func TestServeTakesARequestLargerThanAllThatMayBeInHand(t *testing.T) {
	t.Parallel()
	s := echo(natsbus.Sync(func(_ context.Context, r *natsbus.Request) ([]byte, error) { return r.Body, nil }))
	s.InFlightBytes = 3
	_, nc := serve(t, s, kit.Logger(t))
	if got := string(ask(t, nc, "hello").Data); got != "hello" {
		t.Errorf("got %q, want hello", got)
	}
}

func TestServeTellsWhatWasDroppedUnseen(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	release := make(chan struct{})
	s := echo(func(_ context.Context, _ *natsbus.Request, done natsbus.Done) {
		<-release
		done(nil, nil)
	})
	s.Endpoints[0].Inline = true // one at a time, so that the others wait in the subscription
	srv, nc := serve(t, s, slog.New(slog.NewTextHandler(&log, nil)))
	inbox := nc.NewInbox()
	for range 70_000 {
		if err := nc.PublishRequest(wire.Prefix+"echo.x", inbox, nil); err != nil {
			t.Fatal(err)
		}
	}
	kit.Eventually(t, patience, func() error {
		if dropped := endpointData(t, srv).Dropped; dropped < 1 {
			return fmt.Errorf("dropped: got %d, want some", dropped)
		}
		return nil
	})
	close(release)
	kit.Eventually(t, patience, func() error {
		_, err := nc.Request(wire.Prefix+"echo.x", nil, time.Second) // dropped as well while the others still wait
		return err
	})
	if !strings.Contains(log.String(), "messages dropped") {
		t.Errorf("the log does not tell: %s", log.String())
	}
}

// I-22: what waits behind a slow handler is turned away before it would be dropped unseen, and so answered, each of it.
func TestServeIsBusyBeforeItDrops(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := echo(func(_ context.Context, _ *natsbus.Request, done natsbus.Done) {
		<-release
		done([]byte("ok"), nil)
	})
	s.Endpoints[0].Inline = true
	srv, nc := serve(t, s, kit.Logger(t))
	const requests = 50 // of 25 MB: more than half of what may wait, and less than all
	inbox, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 500_000)
	for range requests {
		if err := nc.PublishRequest(wire.Prefix+"echo.x", inbox.Subject, body); err != nil {
			t.Fatal(err)
		}
	}
	// Its answer comes once the service's connection has taken in all that was sent before.
	if _, err := nc.Request("$SRV.PING.kapivara-echo", nil, patience); err != nil {
		t.Fatal(err)
	}
	close(release)
	ok := 0
	for range requests {
		m, err := inbox.NextMsg(patience)
		if err != nil {
			t.Fatalf("a request was not answered: %v", err)
		}
		if e := refusal(m); e == nil {
			ok++
		} else if e.Code != kapivara.Busy {
			t.Errorf("got %v, want busy", e)
		}
	}
	if data := endpointData(t, srv); data.Dropped > 0 || data.Busy == 0 || ok == 0 {
		t.Errorf("%d were answered ok, %+v; want some ok, some busy and none dropped", ok, data)
	}
}
