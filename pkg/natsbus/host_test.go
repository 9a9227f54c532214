package natsbus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

const patience = 30 * time.Second

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func connect(t testing.TB, url string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// serve runs a service of one endpoint, echo, on a server of its own and gives a client's connection.
func serve(t testing.TB, s natsbus.Service, log *slog.Logger) (*natsbus.Server, *nats.Conn) {
	t.Helper()
	url := kit.NATS(t)
	s.Name, s.Version = "kapivara-echo", "1.2.3"
	srv, err := natsbus.Serve(connect(t, url), s, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = srv.Drain(ctx)
	})
	return srv, connect(t, url)
}

func echo(handle func(context.Context, *natsbus.Request, natsbus.Done)) natsbus.Service {
	return natsbus.Service{Endpoints: []natsbus.Endpoint{{
		Name: "echo", Subject: wire.Prefix + "echo.*", Handle: handle,
		Metadata: map[string]string{"request": "echo.json"},
	}}}
}

func ask(t testing.TB, nc *nats.Conn, body string) *nats.Msg {
	t.Helper()
	m, err := nc.Request(wire.Prefix+"echo.x", []byte(body), patience)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func refusal(m *nats.Msg) *kapivara.Error { return wire.DecodeError(m.Header.Get, m.Data) }

func TestServeAnswersWithTheBody(t *testing.T) {
	t.Parallel()
	_, nc := serve(t, echo(natsbus.Sync(func(_ context.Context, r *natsbus.Request) ([]byte, error) {
		return []byte(strings.Join(r.Tokens, " ") + ": " + string(r.Body)), nil
	})), kit.Logger(t))
	m := ask(t, nc, "hello")
	if got, want := string(m.Data), "echo x: hello"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestServeAnswersARefusalWithItsFacts(t *testing.T) {
	t.Parallel()
	_, nc := serve(t, echo(natsbus.Sync(func(context.Context, *natsbus.Request) ([]byte, error) {
		return nil, fmt.Errorf("echo: %w", kapivara.Invalid("x.y", "no\nsuch ü"))
	})), kit.Logger(t))
	m := ask(t, nc, "")
	if got, want := m.Header.Get("Nats-Service-Error"), "invalid_request: no%0Asuch %C3%BC"; got != want {
		t.Errorf("header: got %q, want %q", got, want)
	}
	if got, want := m.Header.Get("Nats-Service-Error-Code"), "400"; got != want {
		t.Errorf("code: got %q, want %q", got, want)
	}
	if got, want := string(m.Data), `{"error":{"code":"invalid_request","message":"no\nsuch ü","path":"x.y"}}`; got != want {
		t.Errorf("body: got %s, want %s", got, want)
	}
}

func TestServeHidesWhatHasNoCodeBehindATrace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		handle func(context.Context, *natsbus.Request, natsbus.Done)
	}{
		{"an error", natsbus.Sync(func(context.Context, *natsbus.Request) ([]byte, error) {
			return nil, errors.New("select secret: SQLSTATE 42P01")
		})},
		{"a panic", func(context.Context, *natsbus.Request, natsbus.Done) { panic("secret: SQLSTATE 42P01") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log lockedBuffer
			_, nc := serve(t, echo(c.handle), slog.New(slog.NewTextHandler(&log, nil)))
			m := ask(t, nc, "")
			e := refusal(m)
			if e == nil || e.Code != kapivara.Internal || e.Facts.Trace == "" || strings.Contains(string(m.Data), "secret") {
				t.Fatalf("got %s, want internal with a trace and no more", m.Data)
			}
			if !strings.Contains(log.String(), "trace="+e.Facts.Trace) || !strings.Contains(log.String(), "SQLSTATE") {
				t.Errorf("the log does not tell of trace %s: %s", e.Facts.Trace, log.String())
			}
		})
	}
}

func TestServeAnswersOnce(t *testing.T) {
	t.Parallel()
	srv, nc := serve(t, echo(func(_ context.Context, _ *natsbus.Request, done natsbus.Done) {
		done([]byte("first"), nil)
		done([]byte("second"), nil)
	}), kit.Logger(t))
	if got := string(ask(t, nc, "").Data); got != "first" {
		t.Errorf("got %q, want first", got)
	}
	if got := srv.Stats().Endpoints[0].NumRequests; got != 1 {
		t.Errorf("requests: got %d, want 1", got)
	}
}

func TestServeRefusesAReplySubjectThatIsNoInbox(t *testing.T) {
	t.Parallel()
	srv, nc := serve(t, echo(natsbus.Sync(func(context.Context, *natsbus.Request) ([]byte, error) {
		return []byte("+ACK"), nil
	})), kit.Logger(t))
	forged, err := nc.SubscribeSync(wire.Prefix + "append.victim")
	if err != nil {
		t.Fatal(err)
	}
	for _, reply := range []string{wire.Prefix + "append.victim", "inbox.x", "x._INBOX.y"} {
		if err := nc.PublishRequest(wire.Prefix+"echo.x", reply, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Publish(wire.Prefix+"echo.x", nil); err != nil {
		t.Fatal(err)
	}
	ask(t, nc, "") // a connection's messages are handed on in their order
	data := endpointData(t, srv)
	if data.RefusedReply != 4 {
		t.Errorf("refused: got %d, want 4", data.RefusedReply)
	}
	if n, _, _ := forged.Pending(); n != 0 {
		t.Errorf("got %d answers on a subject that is no inbox, want 0", n)
	}
}

func endpointData(t testing.TB, srv *natsbus.Server) natsbus.EndpointData {
	t.Helper()
	var data natsbus.EndpointData
	if err := json.Unmarshal(srv.Stats().Endpoints[0].Data, &data); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestServeRefusesASubjectThatIsNone(t *testing.T) {
	t.Parallel()
	nc := connect(t, kit.NATS(t))
	s := natsbus.Service{Name: "x", Version: "1.0.0", Endpoints: []natsbus.Endpoint{{Name: "bad", Subject: "a b"}}}
	if _, err := natsbus.Serve(nc, s, kit.Logger(t)); err == nil {
		t.Error("got no error")
	}
}

// lockedBuffer collects a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func BenchmarkEcho(b *testing.B) {
	for _, inline := range []bool{true, false} {
		b.Run(fmt.Sprintf("inline=%v", inline), func(b *testing.B) {
			s := echo(natsbus.Sync(func(_ context.Context, r *natsbus.Request) ([]byte, error) { return r.Body, nil }))
			s.Endpoints[0].Inline = inline
			_, nc := serve(b, s, kit.Logger(b))
			b.ReportAllocs()
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ask(b, nc, "hello")
				}
			})
		})
	}
}
