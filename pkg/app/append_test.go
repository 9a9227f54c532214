package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/app"
	"kapivara/pkg/lifecycle"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// writeService runs the write service alone, and gives a client's connection.
func writeService(t *testing.T, pgURL, natsURL string) lifecycle.Part {
	t.Helper()
	config := app.Config{
		PGURL: pgURL, PGConns: 8, OpenRegistry: true, Limits: wire.DefaultLimits(), Version: "0.0.1", NATS: app.NATSConfig{URL: natsURL},
	}
	log := kit.Logger(t)
	service := app.Writer(config, func(name string) (*nats.Conn, error) { return app.Connect(config.NATS, name, log) }, log)
	if err := service.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return service
}

func stopService(t *testing.T, service lifecycle.Part) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := service.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func client(t *testing.T, natsURL string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(natsURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func request(t *testing.T, nc *nats.Conn, subject, body string) *nats.Msg {
	t.Helper()
	reply, err := nc.Request(subject, []byte(body), 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// The append road from NATS to PostgreSQL and back, as a client without a library of ours sees it: protocol sections 3 and 4.
func TestTheWriteServiceAnswersAppends(t *testing.T) {
	t.Parallel()
	pgURL, natsURL := kit.Postgres(t), kit.NATS(t)
	service := writeService(t, pgURL, natsURL)
	nc := client(t, natsURL)
	const stream = `lending/loans/application/A-173688`
	const body = `{"stream":"` + stream + `","expect":"any","canary":false,"events":[
		{"id":"018F0000-0000-7000-8000-0000000000AB","type":"application.submitted","position":1,"data":{"amount":20000}},
		{"id":"a-2","type":"application.approved","position":2,"final":true}]}`
	const stored = `{"stream":"` + stream + `","version":2,"contiguous":2,"finish":2,"complete":true,"events":[` +
		`{"id":"018f0000-0000-7000-8000-0000000000ab","position":1,"log_position":1,"stored":true},` +
		`{"id":"a-2","position":2,"log_position":2,"stored":true}]}`
	repeated := strings.ReplaceAll(stored, `"stored":true`, `"stored":false`)

	for i, want := range []string{stored, repeated} {
		if got := string(request(t, nc, wire.Append("loans"), body).Data); got != want {
			t.Errorf("sending %d: %s\nwant %s", i+1, got, want)
		}
	}
	stopService(t, service)
	service = writeService(t, pgURL, natsURL)
	defer func() { stopService(t, service) }()
	if got := string(request(t, nc, wire.Append("loans"), body).Data); got != repeated {
		t.Errorf("after a restart: %s\nwant %s", got, repeated)
	}

	refused := request(t, nc, wire.Append("loans"), `{"stream":"`+stream+`","expect":1,"events":[{"id":"a-3","type":"application.submitted"}]}`)
	if got := refused.Header.Get("Nats-Service-Error-Code"); got != "409" {
		t.Errorf("status %q, want 409", got)
	}
	if got := refused.Header.Get("Nats-Service-Error"); !strings.HasPrefix(got, "wrong_version: ") {
		t.Errorf("header %q", got)
	}
	for _, part := range []string{`"code":"wrong_version"`, `"stream":"` + stream + `"`, `"expected":1`, `"actual":2`} {
		if !strings.Contains(string(refused.Data), part) {
			t.Errorf("%s has no %s", refused.Data, part)
		}
	}
}

// After its commit an event is told to onlookers, and the other services are poked; a refusal or a repeat tells nobody.
func TestTheWriteServiceTellsOfWhatItStored(t *testing.T) {
	t.Parallel()
	natsURL := kit.NATS(t)
	service := writeService(t, kit.Postgres(t), natsURL)
	defer func() { stopService(t, service) }()
	nc := client(t, natsURL)
	watched, err := nc.SubscribeSync("kapivara.v1.watch.log.lending.loans.application")
	if err != nil {
		t.Fatal(err)
	}
	poked, err := nc.SubscribeSync(wire.InternalCommitted)
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{"stream":"lending/loans/application/A","events":[{"id":"a","type":"t","data":1}]}`,
		`{"stream":"lending/loans/application/A","events":[{"id":"a","type":"t","data":1}]}`,
		`{"stream":"lending/loans/application/A","expect":"new","events":[{"id":"b","type":"t","data":2}]}`,
		`{"stream":"lending/loans/application/A","events":[{"id":"c","type":"t","data":3}]}`,
	} {
		request(t, nc, wire.Append("loans"), body)
	}
	for _, want := range []string{`"logposition":"1"`, `"logposition":"2"`} {
		msg, err := watched.NextMsg(20 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(msg.Data), want) || !strings.Contains(string(msg.Data), `"recordedtime"`) {
			t.Errorf("told %s, want one with %s", msg.Data, want)
		}
	}
	for head := int64(0); head < 2; {
		msg, err := poked.NextMsg(20 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		committed, err := wire.DecodeCommitted(msg.Data)
		if err != nil || committed.Head < head {
			t.Fatalf("poked with %s, %v", msg.Data, err)
		}
		head = committed.Head
	}
	if n, _, err := watched.Pending(); err != nil || n != 0 {
		t.Errorf("%d more were told, %v", n, err)
	}
}
