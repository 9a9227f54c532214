package natsbus_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/jsonschema"
	"kapivara/pkg/memory"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/writer"
	"kapivara/tests/kit"
)

// serveRegistry gives a function that requests and returns the body.
func serveRegistry(t *testing.T) func(subject, body string) string {
	t.Helper()
	nc, err := nats.Connect(kit.NATS(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	now := func() time.Time { return time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC) }
	r := writer.NewRegistry(memory.NewRegistry(true, now), jsonschema.Check, nil)
	server, err := natsbus.Serve(nc, natsbus.Service{
		Name: "kapivara-writer", Version: "1.0.0", Endpoints: natsbus.RegistryEndpoints(r.Publishers, r.EventTypes, r.Subscribers),
	}, kit.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Drain(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return func(subject, body string) string {
		t.Helper()
		m, err := nc.Request("kapivara.v1.registry."+subject, []byte(body), 10*time.Second)
		if err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
		return string(m.Data)
	}
}

func TestTheRegistryAnswersByTheProtocol(t *testing.T) {
	t.Parallel()
	request := serveRegistry(t)
	const at = `"created":"2026-11-24T01:02:03`
	for _, c := range []struct{ subject, body, want string }{
		{"publisher.set.loans", ``, `{"name":"loans","description":"","streams":["*"],` + at},
		{"publisher.set.loans", `{"streams":["lending/*"],"name":"loans"}`, `{"name":"loans","description":"","streams":["lending/*"],` + at},
		{"publisher.get.loans", `{}`, `{"name":"loans","description":"","streams":["lending/*"],` + at},
		{"publisher.get.other", ``, `{"error":{"code":"not_found"`},
		{"event-type.set.loans", `{"type":"a b","schema":{"type":"object"}}`, `{"type":"a b","publisher":"loans","schema":{"type":"object"},"metadata":{},` + at},
		{"event-type.set.other", `{"type":"a b"}`, `{"error":{"code":"forbidden"`},
		{"event-type.set.loans", `{"type":"c","schema":{"$ref":"other.json"}}`, `{"error":{"code":"invalid_request"`},
		{"event-type.get.loans", `{"type":"a b"}`, `{"type":"a b","publisher":"loans",`},
		{"publisher.remove.loans", ``, `{"error":{"code":"invalid_request"`},
		{"event-type.remove.loans", `{"type":"a b"}`, `{"removed":true,"log_position":0}`},
		{"publisher.remove.loans", ``, `{"removed":true,"log_position":0}`},
		{"subscriber.set.billing", `{"start":"beginning"}`, `{"name":"billing","description":"","system":"","types":["*"],"streams":["*"],"buckets":8,"canary_buckets":0,` +
			`"deliver":"complete","start":"beginning","ack_wait":"30s","max_attempts":10,"backoff":["1s","5s","30s","2m","10m"],"max_in_flight":1,` + at},
		{"subscriber.set.billing", `{"buckets":4}`, `{"name":"billing","description":"","system":"","types":["*"],"streams":["*"],"buckets":4,"canary_buckets":0,`},
		{"subscriber.set.Billing", `{}`, `{"error":{"code":"invalid_request"`},
		{"subscriber.set.audit", `{"deliver":"sometimes"}`, `{"error":{"code":"invalid_request"`},
		{"subscriber.remove.billing", `{"name":"billing"}`, `{"removed":true,"log_position":0}`},
		{"subscriber.list", ``, `{"items":[],"next":null}`},
	} {
		if got := request(c.subject, c.body); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %s:\n got %s\nwant %s", c.subject, c.body, got, c.want)
		}
	}
}

func TestAListIsFollowedByItsCursor(t *testing.T) {
	t.Parallel()
	request := serveRegistry(t)
	for _, name := range []string{"a", "b", "c"} {
		request("subscriber.set."+name, ``)
	}
	var names []string
	cursor := "null"
	for range 3 {
		var page struct {
			Items []struct{ Name string }
			Next  json.RawMessage
		}
		if err := json.Unmarshal([]byte(request("subscriber.list", `{"limit":2,"cursor":`+cursor+`}`)), &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			names = append(names, item.Name)
		}
		if cursor = string(page.Next); cursor == "null" {
			break
		}
	}
	if got := strings.Join(names, ""); got != "abc" || cursor != "null" {
		t.Errorf("got %q, next %s", got, cursor)
	}
}
