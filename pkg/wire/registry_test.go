package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func refusal(t *testing.T, err error) *kapivara.Error {
	t.Helper()
	var e *kapivara.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a refusal", err)
	}
	return e
}

func TestASubscriberGoesThroughSetAndBack(t *testing.T) {
	t.Parallel()
	body := `{"name":"billing","description":"a \"b\"\nü","system":"loans","types":["a.*"],"streams":["x/*","y"],"buckets":3,` +
		`"canary_buckets":2,"deliver":"appended","start":17,"ack_wait":"1500ms","max_attempts":0,"backoff":["0s","2m","1h"],"max_in_flight":7}`
	patch, err := wire.DecodeSubscriberSet("billing", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	s := patch.Apply(kapivara.NewSubscriber("billing"))
	s.Created, s.LogPosition = time.Date(2026, 11, 24, 5, 6, 7, 8000, time.UTC), 12
	got := string(wire.AppendSubscriber(nil, &s))
	want := strings.TrimSuffix(body, "}") + `,"created":"` + wire.FormatTime(s.Created) + `","log_position":12}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNullResetsAFieldAndNothingChangesNone(t *testing.T) {
	t.Parallel()
	patch, err := wire.DecodeSubscriberSet("billing", []byte(`{"buckets":null,"start":null,"types":null,"backoff":null,"description":null}`))
	if err != nil {
		t.Fatal(err)
	}
	if patch.AckWait != nil || patch.Deliver != nil {
		t.Errorf("a field that is not there is set: %+v", patch)
	}
	changed := kapivara.Subscriber{Buckets: 3, Start: kapivara.Start{After: 5}, Description: "x", MaxInFlight: 4}
	got, want := patch.Apply(changed), kapivara.NewSubscriber("")
	if got.Buckets != want.Buckets || got.Start != want.Start || !got.Types.All() || len(got.Backoff) != len(want.Backoff) ||
		got.Description != "" || got.MaxInFlight != 4 {
		t.Errorf("got %+v", got)
	}
}

func TestStartHasThreeForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`"new"`: `"new"`, `"beginning"`: `"beginning"`, `0`: `"beginning"`, `9`: `9`} {
		patch, err := wire.DecodeSubscriberSet("s", []byte(`{"start":`+text+`}`))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		s := patch.Apply(kapivara.NewSubscriber("s"))
		if got := string(wire.AppendSubscriber(nil, &s)); !strings.Contains(got, `"start":`+want+`,`) {
			t.Errorf("%s: got %s, want start %s", text, got, want)
		}
	}
}

func TestRefusedRegistryRequestsNameTheField(t *testing.T) {
	t.Parallel()
	subscriber := func(body string) error { _, err := wire.DecodeSubscriberSet("billing", []byte(body)); return err }
	publisher := func(body string) error { _, err := wire.DecodePublisherSet("loans", []byte(body)); return err }
	eventType := func(body string) error { _, _, err := wire.DecodeEventTypeSet("loans", []byte(body)); return err }
	list := func(body string) error { _, _, err := wire.DecodeRegistryList([]byte(body)); return err }
	for _, c := range []struct {
		name string
		err  error
		path string
	}{
		{"unknown field", subscriber(`{"colour":"red"}`), "colour"},
		{"field of the reply", subscriber(`{"created":"2026-01-01T00:00:00Z"}`), "created"},
		{"field twice", subscriber(`{"buckets":1,"buckets":2}`), "buckets"},
		{"other name", subscriber(`{"name":"audit"}`), "name"},
		{"text for a number", subscriber(`{"buckets":"8"}`), "buckets"},
		{"fraction", subscriber(`{"buckets":8.5}`), "buckets"},
		{"huge number", subscriber(`{"buckets":1e131071}`), "buckets"},
		{"lone surrogate", subscriber(`{"description":"\ud800"}`), "description"},
		{"negative start", subscriber(`{"start":-1}`), "start"},
		{"word start", subscriber(`{"start":"now"}`), "start"},
		{"bad duration", subscriber(`{"ack_wait":"soon"}`), "ack_wait"},
		{"one backoff", subscriber(`{"backoff":"1s"}`), "backoff"},
		{"bad backoff", subscriber(`{"backoff":["1s",2]}`), "backoff"},
		{"text filter", publisher(`{"streams":"*"}`), "streams"},
		{"no type", eventType(`{}`), "type"},
		{"star in a type", eventType(`{"type":"a*"}`), "type"},
		{"other publisher", eventType(`{"type":"a","publisher":"b"}`), "publisher"},
		{"list too long", list(`{"limit":1001}`), "limit"},
		{"list of none", list(`{"limit":0}`), "limit"},
		{"forged cursor", list(`{"cursor":"*"}`), "cursor"},
	} {
		if e := refusal(t, c.err); e.Code != kapivara.InvalidRequest || e.Facts.Path != c.path {
			t.Errorf("%s: got %v at %q, want invalid_request at %q", c.name, e, e.Facts.Path, c.path)
		}
	}
	if _, err := wire.DecodePublisherSet("a.b", nil); refusal(t, err).Facts.Path != "name" {
		t.Errorf("a name that is no token: %v", err)
	}
}

func TestAnEventTypeIsWrittenAsItWasSet(t *testing.T) {
	t.Parallel()
	key, patch, err := wire.DecodeEventTypeSet("loans", []byte(`{"type":"T02 \"Check\"","schema":{ "type" : "object" },"metadata":{"a": 1}}`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := patch.Apply(kapivara.EventType{Type: key.Type, Publisher: key.Publisher})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"T02 \"Check\"","publisher":"loans","schema":{"type":"object"},"metadata":{"a":1},"created":`
	if got := string(wire.AppendEventType(nil, &e)); !strings.HasPrefix(got, want) || !json.Valid([]byte(got)) {
		t.Errorf("got %s, want it to begin with %s", got, want)
	}
	none := kapivara.EventType{Type: "a", Publisher: "b"}
	if got := string(wire.AppendEventType(nil, &none)); strings.Contains(got, "schema") || !strings.Contains(got, `"metadata":{}`) {
		t.Errorf("got %s", got)
	}
}

func TestAListStopsAtTheReplyLimitAndGoesOnFromThere(t *testing.T) {
	t.Parallel()
	var all []*kapivara.Publisher
	for _, name := range []string{"a", "b", "c"} {
		all = append(all, &kapivara.Publisher{Name: name, Description: strings.Repeat("x", 400<<10), Streams: kapivara.Any()})
	}
	name := func(p *kapivara.Publisher) string { return p.Name }
	body := wire.AppendRegistryList(nil, all, false, wire.AppendPublisher, name)
	items, next, err := wire.DecodeRegistryPage(body)
	if err != nil || len(items) != 2 || len(body) > wire.MaxReply {
		t.Fatalf("%d items in %d bytes, error %v", len(items), len(body), err)
	}
	after, limit, err := wire.DecodeRegistryList([]byte(`{"cursor":"` + next + `"}`))
	if err != nil || after != "b" || limit != 100 {
		t.Errorf("after %q, limit %d, error %v", after, limit, err)
	}
	if _, next, _ = wire.DecodeRegistryPage(wire.AppendRegistryList(nil, all[2:], false, wire.AppendPublisher, name)); next != "" {
		t.Errorf("next of the last page is %q", next)
	}
	if got := string(wire.AppendRegistryList(nil, all[:0], false, wire.AppendPublisher, name)); got != `{"items":[],"next":null}` {
		t.Errorf("an empty list is %s", got)
	}
}

func FuzzRegistrySet(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"start":"beginning","backoff":["1s"]}`, `{"types":["a*"],"buckets":null}`, `{"name":"s","max_attempts":1e9}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		patch, err := wire.DecodeSubscriberSet("s", body)
		if err != nil {
			_ = refusal(t, err)
			return
		}
		s := patch.Apply(kapivara.NewSubscriber("s"))
		if out := wire.AppendSubscriber(nil, &s); s.Check() == nil && !json.Valid(out) {
			t.Errorf("the record is no JSON: %s", out)
		}
	})
}
