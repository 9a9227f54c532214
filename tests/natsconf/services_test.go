package natsconf_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"kapivara/pkg/app"
	"kapivara/pkg/lifecycle"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// The services themselves, each as its own user, with one user of each kind: the rights are enough for all their work.
func TestTheServicesDoAllTheirWorkWithTheirRights(t *testing.T) {
	t.Parallel()
	srv := startSingle(t)
	violations := collectViolations(srv)
	startServices(t, srv, kit.Postgres(t))

	operator := connect(t, srv, "operator")
	ask(t, operator, "kapivara.v1.registry.publisher.set.loans-api", `{"streams": ["lending/*"]}`)
	ask(t, operator, "kapivara.v1.registry.event-type.set.loans-api", `{"type": "application.submitted"}`)
	ask(t, operator, "kapivara.v1.registry.subscriber.set.billing", `{"buckets": 1}`)

	onlooker := connect(t, srv, "onlooker")
	watch, _ := onlooker.SubscribeSync("kapivara.v1.watch.>")
	onlooker.flush(t)
	subscriber := connect(t, srv, "subscriber")
	bucket, _ := subscriber.QueueSubscribeSync("kapivara.v1.bucket.billing.*", "billing")
	subscriber.flush(t)

	publisher := connect(t, srv, "publisher")
	ask(t, publisher, "kapivara.v1.append.loans-api",
		`{"stream": "lending/loans/application/A-1", "events": [{"id": "e-1", "type": "application.submitted", "final": true}]}`)
	delivery := next(t, bucket)
	if got := ask(t, subscriber, delivery.Reply, "+ACK"); got["settled"] != "committed" {
		t.Errorf("answer to the delivery: got %v, want committed", got)
	}
	if msg := next(t, watch); !strings.HasPrefix(msg.Subject, "kapivara.v1.watch.") {
		t.Errorf("watched %s", msg.Subject)
	}
	ask(t, publisher, "kapivara.v1.read.stream.lending", `{"stream": "lending/loans/application/A-1"}`)
	ask(t, subscriber, "kapivara.v1.read.last-committed.billing", `{"bucket": "0"}`)
	reach(t, subscriber, "kapivara.v1.next.billing", `{}`)
	reach(t, subscriber, "kapivara.v1.claim.billing", `{"node": "n1", "count": 1, "ttl": "1s"}`)
	reach(t, subscriber, "kapivara.v1.release.billing", `{"node": "n1"}`)
	reach(t, operator, "kapivara.v1.delivery.replay.billing", `{"after": 0, "dry_run": true}`)
	ask(t, operator, "kapivara.v1.read.subscriber.billing", `{}`)
	for _, role := range []user{operator, onlooker} {
		if got := discover(t, role.Conn); got != 3 {
			t.Errorf("discovery: got %d services, want 3", got)
		}
	}
	if got := violations(); len(got) > 0 {
		t.Errorf("refused by the server: %q", got)
	}
}

func startServices(t *testing.T, srv *server.Server, pgURL string) {
	t.Helper()
	log := kit.Logger(t)
	for role, service := range map[string]func(app.Config, app.Bus, *slog.Logger) lifecycle.Part{"writer": app.Writer, "reader": app.Reader, "dispatcher": app.Dispatcher} {
		group, err := app.Apart(app.Config{
			NATS:  app.NATSConfig{URL: srv.ClientURL(), User: role, Password: "pw-" + role},
			PGURL: pgURL, PGConns: 4, Limits: wire.DefaultLimits(), Version: "0.0.1",
		}, service, log)
		if err != nil {
			t.Fatal(err)
		}
		if err := group.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := group.Stop(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// reach sends a request and fails the test where no service answers.
func reach(t *testing.T, u user, subject, body string) []byte {
	t.Helper()
	msg, err := u.Request(subject, []byte(body), patience)
	if err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
	return msg.Data
}

// ask sends a request and fails the test where it is refused.
func ask(t *testing.T, u user, subject, body string) map[string]any {
	t.Helper()
	data := reach(t, u, subject, body)
	var reply map[string]any
	if err := json.Unmarshal(data, &reply); err != nil || reply["error"] != nil {
		t.Fatalf("%s: got %s", subject, data)
	}
	return reply
}

// discover counts the services that answer.
func discover(t *testing.T, nc *nats.Conn) int {
	t.Helper()
	inbox, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.PublishRequest("$SRV.PING", inbox.Subject, nil); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for seen < 3 {
		if _, err := inbox.NextMsg(patience); err != nil {
			break
		}
		seen++
	}
	return seen
}

// collectViolations gives what the server has refused so far.
func collectViolations(srv *server.Server) func() []string {
	log := &violations{}
	srv.SetLoggerV2(log, false, false, false)
	return log.all
}

type violations struct {
	mu    sync.Mutex
	lines []string
}

func (v *violations) all() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lines
}

func (v *violations) Errorf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if line := fmt.Sprintf(format, args...); strings.Contains(line, "Violation") {
		v.lines = append(v.lines, line)
	}
}

func (v *violations) Warnf(string, ...any)   {}
func (v *violations) Noticef(string, ...any) {}
func (v *violations) Fatalf(string, ...any)  {}
func (v *violations) Debugf(string, ...any)  {}
func (v *violations) Tracef(string, ...any)  {}
