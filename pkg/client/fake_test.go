package client_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
	"kapivara/tests/kit"
)

// bench is a NATS server with a client of ours, and a bare connection that plays the services.
type bench struct {
	client *client.Client
	other  *nats.Conn
}

func newBench(t *testing.T, opts ...client.Option) *bench {
	t.Helper()
	url := kit.NATS(t)
	c, err := client.Connect(url, opts...)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(c.Close)
	other, err := nats.Connect(url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(other.Close)
	return &bench{client: c, other: other}
}

// serve answers a subject.
func (b *bench) serve(t *testing.T, subject string, answer func(*nats.Msg)) {
	t.Helper()
	if _, err := b.other.Subscribe(subject, answer); err != nil {
		t.Fatalf("serve %s: %v", subject, err)
	}
	if err := b.other.FlushTimeout(10 * time.Second); err != nil {
		t.Fatalf("serve %s: %v", subject, err)
	}
}

// say answers with a body.
func say(body string) func(*nats.Msg) {
	return func(m *nats.Msg) { _ = m.Respond([]byte(body)) }
}

// refuse answers with a refusal, as services do.
func refuse(m *nats.Msg, status, code, facts string) {
	reply := nats.NewMsg(m.Reply)
	reply.Header.Set("Nats-Service-Error-Code", status)
	reply.Header.Set("Nats-Service-Error", code+": no")
	reply.Data = []byte(`{"error":{"code":"` + code + `","message":"no"` + facts + `}}`)
	_ = m.RespondMsg(reply)
}

func take[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("no %s within 20 s", what)
		panic("unreachable")
	}
}
