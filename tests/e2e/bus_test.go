package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/app"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// patience is how long one request may take on a busy machine.
const patience = 30 * time.Second

// startBus runs everything in this process, on a database and a port of its own, and gives the URL of NATS and of the
// store.
func startBus(t testing.TB) (natsURL, pgURL string) {
	t.Helper()
	pgURL = kit.Postgres(t)
	all := app.NewAllInOne(app.Config{
		NATSListen: "127.0.0.1:-1", PGURL: pgURL, PGConns: 8, OpenRegistry: true,
		Limits: wire.DefaultLimits(), Version: "0.0.1",
	}, kit.Logger(t))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := all.Start(ctx); err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := all.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return all.URL(), pgURL
}

// caller is a client with nothing of ours: requests in, JSON out.
type caller struct {
	*nats.Conn
	t      testing.TB
	within time.Duration // how long a request waits for its reply
}

func dial(t testing.TB, url string, options ...nats.Option) caller {
	t.Helper()
	nc, err := nats.Connect(url, append([]nats.Option{nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond)}, options...)...)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(nc.Close)
	return caller{nc, t, patience}
}

// refusal is an error reply with its facts.
type refusal struct {
	Code    string
	Message string
	Facts   map[string]any
}

// Error is the refusal's line.
func (r *refusal) Error() string { return r.Code + ": " + r.Message }

// call sends a request, whatever its reply says, and reads the reply into into. The error is a *refusal where the service
// refused.
func (c caller) call(subject, body string, into any) error {
	msg, err := c.Request(subject, []byte(body), c.within)
	if err != nil {
		return fmt.Errorf("%s: %w", subject, err)
	}
	var failed struct {
		Error map[string]any `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &failed); err != nil {
		return fmt.Errorf("%s: reply %q: %w", subject, msg.Data, err)
	}
	if failed.Error != nil {
		r := &refusal{Facts: failed.Error}
		r.Code, _ = failed.Error["code"].(string)
		r.Message, _ = failed.Error["message"].(string)
		return r
	}
	if err := json.Unmarshal(msg.Data, into); err != nil {
		return fmt.Errorf("%s: reply %q: %w", subject, msg.Data, err)
	}
	return nil
}

// ask sends a request that has to be ok.
func (c caller) ask(subject, body string, into any) {
	c.t.Helper()
	if err := c.call(subject, body, into); err != nil {
		c.t.Fatalf("%s %s: %v", subject, body, err)
	}
}

// set registers a subscriber.
func (c caller) set(name, body string) {
	c.t.Helper()
	var record map[string]any
	c.ask("kapivara.v1.registry.subscriber.set."+name, body, &record)
}

// head is the log's head.
func (c caller) head() int64 {
	c.t.Helper()
	var page struct{ Head int64 }
	c.ask("kapivara.v1.read.log._", `{"limit": 1}`, &page)
	return page.Head
}

// encode is v as JSON; what the tests make always is.
func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// asRefusal gives the refusal in err, nil where it is none.
func asRefusal(err error) *refusal {
	var r *refusal
	errors.As(err, &r)
	return r
}
