// Package overnats_test holds the services to the conformance suites as clients meet them: each request goes through the
// SDK, a real NATS server and the service, into a real PostgreSQL, and what comes back is compared in the same core types
// as on the stores themselves. It also tries the limits, what onlookers see, and life beside JetStream.
package overnats_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/app"
	"kapivara/pkg/client"
	"kapivara/pkg/lifecycle"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

// patience is how long one request, or one step of a service, may take on a busy machine.
const patience = 30 * time.Second

// service is one of app's.
type service = func(app.Config, app.Bus, *slog.Logger) lifecycle.Part

// settings are those of services on this NATS server and this store.
func settings(natsURL, pgURL string) app.Config {
	return app.Config{
		NATS: app.NATSConfig{URL: natsURL}, PGURL: pgURL, PGConns: 4, OpenRegistry: true,
		Limits: wire.DefaultLimits(), Version: "0.0.1",
	}
}

// run starts a service of its own, as apart as it runs elsewhere, and gives what stops it. It ends with the test.
func run(t testing.TB, config app.Config, s service) (stop func()) {
	t.Helper()
	group, err := app.Apart(config, s, kit.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if err := group.Start(ctx); err != nil {
		t.Fatalf("start: %v", err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := group.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// connect gives a client of its own.
func connect(t testing.TB, url string) *client.Client {
	t.Helper()
	c, err := client.Connect(url, client.WithTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// bus is all of Kapivara on a NATS server and in a database of the test's own.
type bus struct {
	*client.Client
	nats, pg string
}

// start runs the three services with their settings changed by change.
func start(t *testing.T, change func(*app.Config)) bus {
	t.Helper()
	return startOn(t, kit.NATS(t), change)
}

// startOn is start on a NATS server.
func startOn(t *testing.T, natsURL string, change func(*app.Config)) bus {
	t.Helper()
	b := bus{nats: natsURL, pg: kit.Postgres(t)}
	config := settings(b.nats, b.pg)
	if change != nil {
		change(&config)
	}
	if err := config.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []service{app.Writer, app.Reader, app.Dispatcher} {
		run(t, config, s)
	}
	b.Client = connect(t, b.nats)
	return b
}

// listen subscribes with a connection of its own, and gives what comes.
func listen(t *testing.T, url, subject string) <-chan *nats.Msg {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	seen := make(chan *nats.Msg, 4096)
	if _, err := nc.ChanSubscribe(subject, seen); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return seen
}

// next takes what comes next.
func next[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s within %v", what, patience)
		panic("unreachable")
	}
}
