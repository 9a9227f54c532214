package natsbus_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

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
