package embedded_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"kapivara/pkg/embedded"
	"kapivara/tests/kit"
)

const patience = time.Minute

func startNATS(t *testing.T, cfg embedded.NATSConfig) *embedded.NATS {
	t.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:-1"
	}
	n, err := embedded.StartNATS(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return n
}

// services connects as Kapivara's services do.
func services(t *testing.T, n *embedded.NATS) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(n), nats.UserInfo(n.User(), n.Password()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// app connects as anybody does, and tells the server's refusals.
func app(t *testing.T, n *embedded.NATS) (*nats.Conn, <-chan error) {
	t.Helper()
	refused := make(chan error, 16)
	nc, err := nats.Connect(n.ClientURL(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc, refused
}

// flush makes sure that what nc subscribed to is in force.
func flush(t *testing.T, nc *nats.Conn) {
	t.Helper()
	if err := nc.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
}

func next(t *testing.T, sub *nats.Subscription) *nats.Msg {
	t.Helper()
	msg, err := sub.NextMsg(patience)
	if err != nil {
		t.Fatalf("%s: %v", sub.Subject, err)
	}
	return msg
}

func TestNATSRefusesAPlainLookAtPushSubjects(t *testing.T) {
	t.Parallel()
	n := startNATS(t, embedded.NATSConfig{})
	for _, subject := range []string{
		">", "kapivara.>", "kapivara.v1.>", "kapivara.v1.bucket.>", "kapivara.v1.bucket.billing.*",
		"kapivara.v1.bucket.billing.0", "kapivara.v1.append.>", "kapivara.v1.settle.>", "*.v1.bucket.billing.0",
	} {
		nc, refused := app(t, n)
		if _, err := nc.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
		flush(t, nc)
		select {
		case err := <-refused:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("subscribe to %s: got %v, want a refusal", subject, err)
			}
		case <-time.After(patience):
			t.Errorf("subscribe to %s: was let through", subject)
		}
	}
}

func TestNATSLetsAppsTakeBucketsInAQueueGroupAndWatch(t *testing.T) {
	t.Parallel()
	n := startNATS(t, embedded.NATSConfig{})
	svc := services(t, n)
	nc, refused := app(t, n)
	all, _ := nc.QueueSubscribeSync("kapivara.v1.bucket.billing.*", "billing")
	other, _ := nc.QueueSubscribeSync("kapivara.v1.bucket.billing.*.*", "billing")
	watch, _ := nc.SubscribeSync("kapivara.v1.watch.>")
	flush(t, nc)
	for _, subject := range []string{"kapivara.v1.bucket.billing.3", "kapivara.v1.bucket.billing.3.node-1", "kapivara.v1.watch.parked.billing"} {
		if err := svc.Publish(subject, []byte(subject)); err != nil {
			t.Fatal(err)
		}
	}
	for _, sub := range []*nats.Subscription{all, other, watch} {
		if msg := next(t, sub); msg.Subject != string(msg.Data) {
			t.Errorf("got subject %s, want %s", msg.Subject, msg.Data)
		}
	}
	select {
	case err := <-refused:
		t.Errorf("refused: %v", err)
	default:
	}
}

func TestNATSAppsCannotSendDeliveriesOrNotices(t *testing.T) {
	t.Parallel()
	n := startNATS(t, embedded.NATSConfig{})
	for _, subject := range []string{"kapivara.v1.bucket.billing.0", "kapivara.v1.watch.parked.billing", "kapivara.v1.internal.committed", "_INBOX.x.y"} {
		nc, refused := app(t, n)
		if err := nc.Publish(subject, []byte("forged")); err != nil {
			t.Fatal(err)
		}
		flush(t, nc)
		select {
		case err := <-refused:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("publish to %s: got %v, want a refusal", subject, err)
			}
		case <-time.After(patience):
			t.Errorf("publish to %s: was let through", subject)
		}
	}
}

func TestNATSSaysAtOnceThatNobodyListensToABucket(t *testing.T) {
	t.Parallel()
	n := startNATS(t, embedded.NATSConfig{})
	svc := services(t, n)
	settle, err := svc.SubscribeSync("kapivara.v1.settle.billing.token")
	if err != nil {
		t.Fatal(err)
	}
	flush(t, svc)
	if err := svc.PublishRequest("kapivara.v1.bucket.billing.0", "kapivara.v1.settle.billing.token", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if _, err := settle.NextMsg(patience); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("got %v, want no responders on the reply subject", err)
	}
}

func TestNATSCarriesAnswersBackToThePlainSubscription(t *testing.T) {
	t.Parallel()
	n := startNATS(t, embedded.NATSConfig{})
	svc := services(t, n)
	settle, _ := svc.SubscribeSync("kapivara.v1.settle.>")
	flush(t, svc)
	nc, _ := app(t, n)
	bucket, _ := nc.QueueSubscribeSync("kapivara.v1.bucket.billing.*", "billing")
	flush(t, nc)

	if err := svc.PublishRequest("kapivara.v1.bucket.billing.0", "kapivara.v1.settle.billing.token", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	delivery := next(t, bucket)
	if err := delivery.Respond([]byte("+ACK")); err != nil {
		t.Fatal(err)
	}
	answer := next(t, settle)
	if string(answer.Data) != "+ACK" || answer.Subject != "kapivara.v1.settle.billing.token" {
		t.Errorf("published answer: got %q on %s", answer.Data, answer.Subject)
	}

	// The same as a request is confirmed.
	inbox, _ := nc.SubscribeSync(nats.NewInbox())
	if err := nc.PublishRequest(delivery.Reply, inbox.Subject, []byte("+ACK")); err != nil {
		t.Fatal(err)
	}
	confirmed := next(t, settle)
	if !strings.HasPrefix(confirmed.Reply, "_R_.") {
		t.Errorf("reply subject of the request: got %q, want the import's", confirmed.Reply)
	}
	if err := confirmed.Respond([]byte(`{"settled":"committed"}`)); err != nil {
		t.Fatal(err)
	}
	if got := next(t, inbox); string(got.Data) != `{"settled":"committed"}` {
		t.Errorf("confirmation: got %q", got.Data)
	}
}

func TestNATSShowsEveryInstanceToDiscovery(t *testing.T) {
	t.Parallel()
	n := startNATS(t, embedded.NATSConfig{})
	for range 3 {
		svc := services(t, n)
		service, err := micro.AddService(svc, micro.Config{Name: "kapivara-writer", Version: "1.0.0"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = service.Stop() })
		flush(t, svc)
	}
	nc, _ := app(t, n)
	inbox, _ := nc.SubscribeSync(nats.NewInbox())
	if err := nc.PublishRequest("$SRV.PING", inbox.Subject, nil); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 3 {
		var ping micro.Ping
		if err := json.Unmarshal(next(t, inbox).Data, &ping); err != nil {
			t.Fatal(err)
		}
		seen[ping.ID] = true
	}
	if len(seen) != 3 {
		t.Errorf("instances seen: got %d, want 3", len(seen))
	}
}

func TestNATSHasNoJetStream(t *testing.T) {
	t.Parallel()
	if startNATS(t, embedded.NATSConfig{}).Server().JetStreamEnabled() {
		t.Error("JetStream is on, want off")
	}
}

func TestNATSListensBeyondTheLoopbackWithAPasswordAlone(t *testing.T) {
	t.Parallel()
	if n, err := embedded.StartNATS(embedded.NATSConfig{Addr: "0.0.0.0:-1"}); err == nil {
		_ = n.Stop(t.Context())
		t.Fatal("0.0.0.0 without a password: was let through")
	}
	n := startNATS(t, embedded.NATSConfig{Addr: "0.0.0.0:-1", AppsPassword: "s3cret"})
	if nc, err := nats.Connect(n.ClientURL()); !errors.Is(err, nats.ErrAuthorization) {
		nc.Close()
		t.Errorf("without the password: got %v, want a refusal", err)
	}
	nc, err := nats.Connect(n.ClientURL(), nats.UserInfo(embedded.AppsUser, "s3cret"))
	if err != nil {
		t.Fatalf("with the password: %v", err)
	}
	nc.Close()
}

func TestNATSNamesAnAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = embedded.StartNATS(embedded.NATSConfig{Addr: taken.Addr().String(), Log: kit.Logger(t)})
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("got %v, want an error that names %s", err, taken.Addr())
	}
}

func TestNATSStopsTwice(t *testing.T) {
	t.Parallel()
	n := startNATS(t, embedded.NATSConfig{})
	nc, _ := app(t, n)
	for range 2 {
		if err := n.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(n.ClientURL(), "nats://")); err == nil {
		t.Error("the server still listens")
	}
	nc.Close()
}
