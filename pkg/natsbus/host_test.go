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
	"github.com/nats-io/nats.go/micro"

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

func TestServeTakesARequestLargerThanAllThatMayBeInHand(t *testing.T) {
	t.Parallel()
	s := echo(natsbus.Sync(func(_ context.Context, r *natsbus.Request) ([]byte, error) { return r.Body, nil }))
	s.InFlightBytes = 3
	_, nc := serve(t, s, kit.Logger(t))
	if got := string(ask(t, nc, "hello").Data); got != "hello" {
		t.Errorf("got %q, want hello", got)
	}
}

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

func TestDiscoveryShowsTheServiceAsItIs(t *testing.T) {
	t.Parallel()
	srv, nc := serve(t, echo(func(_ context.Context, r *natsbus.Request, done natsbus.Done) {
		go func() { // answered later, from elsewhere
			if string(r.Body) == "bad" {
				done(nil, kapivara.Invalid("", "bad"))
				return
			}
			done(nil, nil)
		}()
	}), kit.Logger(t))
	ask(t, nc, "good")
	ask(t, nc, "bad")
	for _, of := range [][2]string{{}, {"kapivara-echo"}, {"kapivara-echo", srv.ID()}} {
		var ping micro.Ping
		control(t, nc, micro.PingVerb, of, &ping)
		if ping.Name != "kapivara-echo" || ping.ID != srv.ID() || ping.Version != "1.2.3" || ping.Type != micro.PingResponseType {
			t.Errorf("ping: got %+v", ping)
		}
		var info micro.Info
		control(t, nc, micro.InfoVerb, of, &info)
		if len(info.Endpoints) != 1 || info.Endpoints[0].Subject != wire.Prefix+"echo.*" || info.Type != micro.InfoResponseType ||
			info.Endpoints[0].QueueGroup != "kapivara-echo" || info.Endpoints[0].Metadata["request"] != "echo.json" {
			t.Errorf("info: got %+v", info)
		}
		var stats micro.Stats
		control(t, nc, micro.StatsVerb, of, &stats)
		e := stats.Endpoints[0]
		if e.NumRequests != 2 || e.NumErrors != 1 || e.LastError != "400:invalid_request: bad" || e.ProcessingTime <= 0 ||
			e.AverageProcessingTime != e.ProcessingTime/2 || stats.Type != micro.StatsResponseType {
			t.Errorf("stats: got %+v", e)
		}
	}
}

func control(t testing.TB, nc *nats.Conn, verb micro.Verb, of [2]string, into any) {
	t.Helper()
	subject, err := micro.ControlSubject(verb, of[0], of[1])
	if err != nil {
		t.Fatal(err)
	}
	m, err := nc.Request(subject, nil, patience)
	if err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
	if err := json.Unmarshal(m.Data, into); err != nil {
		t.Fatal(err)
	}
}

func TestServeRefusesASubjectThatIsNone(t *testing.T) {
	t.Parallel()
	nc := connect(t, kit.NATS(t))
	s := natsbus.Service{Name: "x", Version: "1.0.0", Endpoints: []natsbus.Endpoint{{Name: "bad", Subject: "a b"}}}
	if _, err := natsbus.Serve(nc, s, kit.Logger(t)); err == nil {
		t.Error("got no error")
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
	ask(t, nc, "")
	if !strings.Contains(log.String(), "messages dropped") {
		t.Errorf("the log does not tell: %s", log.String())
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
