package wire_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func aDelivery() kapivara.Delivery {
	return kapivara.Delivery{
		Subscriber: "billing", Bucket: -1, Buckets: 2, Canary: true, Number: 1042, Attempt: 2, Cause: kapivara.CauseAppended,
		Stream: "lending/loans/application/A-1/é", Version: 9, From: 7, To: 8, Events: []kapivara.Event{storedEvent(), storedEvent()},
		AckWait: 90 * time.Second, Deadline: time.Date(2026, 1, 31, 8, 30, 0, 1000, time.UTC), Token: "0aZ-_9",
	}
}

func TestADeliveryGoesThereAndBack(t *testing.T) {
	t.Parallel()
	sent, committed := aDelivery(), aDelivery()
	committed.Token, committed.Deadline, committed.Committed = "", time.Time{}, time.Date(2026, 1, 31, 8, 30, 0, 0, time.UTC)
	committed.Finish, committed.Complete = 9, true
	for _, want := range []kapivara.Delivery{sent, committed} {
		got, ref, err := wire.DecodeDelivery(wire.AppendDelivery(nil, &want))
		if err != nil || ref != nil {
			t.Fatalf("got %v, %v", ref, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want(-) got(+):\n%s", diff)
		}
	}
}

func TestADeliveryTooLargeForAMessageGoesByReference(t *testing.T) {
	t.Parallel()
	large := aDelivery()
	for i := range large.Events {
		large.Events[i].Data = []byte(`"` + strings.Repeat("x", 512<<10) + `"`)
	}
	body := wire.AppendDelivery([]byte("before"), &large)
	if len(body) > wire.MaxReply || !json.Valid(bytes.TrimPrefix(body, []byte("before"))) {
		t.Fatalf("got %d bytes: %.200s", len(body), body)
	}
	got, ref, err := wire.DecodeDelivery(bytes.TrimPrefix(body, []byte("before")))
	if err != nil || got.Events != nil || ref == nil {
		t.Fatalf("got %d events, %v, %v; want a reference", len(got.Events), ref, err)
	}
	if ref.Subject != "kapivara.v1.read.delivery.billing" || string(ref.Request) != `{"bucket":"canary-0","number":1042}` {
		t.Errorf("got %s %s", ref.Subject, ref.Request)
	}
}

func TestDeliveryHeadersAreFitForHeaders(t *testing.T) {
	t.Parallel()
	d := aDelivery()
	older := storedEvent()
	older.LogPosition, older.Attributes = 1, []byte(`"traceparent":"old"`)
	d.Events[0].Attributes = []byte(`"subject":"\"traceparent\":\"x\"","traceparent":"00-4bf9-00f0-01"`)
	d.Events[0].LogPosition = 20000
	d.Events = append(d.Events, older)
	want := map[string][]string{
		"Kapivara-Stream": {"lending/loans/application/A-1/%C3%A9"}, "Kapivara-Delivery": {"billing/canary-0/1042"},
		"Kapivara-Attempt": {"2"}, "traceparent": {"00-4bf9-00f0-01"},
	}
	if diff := cmp.Diff(want, wire.DeliveryHeaders(&d)); diff != "" {
		t.Errorf("want(-) got(+):\n%s", diff)
	}
	d.Events = nil
	if got := wire.DeliveryHeaders(&d)["traceparent"]; got != nil {
		t.Errorf("without events: got traceparent %q", got)
	}
}

func TestADeliveryRowGoesThereAndBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 8, 30, 0, 1000, time.UTC)
	for _, want := range []kapivara.DeliveryRow{
		{Bucket: 3, Stream: "a/b/c/d", Cause: kapivara.CauseReplay, State: kapivara.Pending},
		{
			Bucket: -2, Number: 7, Stream: "a/b/c/\"", Cause: kapivara.CauseComplete, From: 1, To: 9, State: kapivara.Parked, Attempt: 10,
			LogPosition: 12, Deadline: at, Until: at, Reason: "\"no\"", Node: "n1", Committed: at,
		},
	} {
		got, err := wire.DecodeDeliveryRow(wire.AppendDeliveryRow(nil, &want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want(-) got(+):\n%s", diff)
		}
	}
}

func FuzzDecodeDelivery(f *testing.F) {
	d := aDelivery()
	f.Add(wire.AppendDelivery(nil, &d))
	d.Events = nil
	f.Add(wire.AppendDelivery(nil, &d))
	f.Add([]byte(`{"events":[],"bucket":null,"ack_wait":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, ref, err := wire.DecodeDelivery(body)
		if err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatal("encoding/json refuses what we take")
		}
		if (d.Events == nil) == (ref == nil) {
			t.Fatalf("events %v and reference %v", d.Events, ref)
		}
		if again := wire.AppendDelivery(nil, &d); !json.Valid(again) {
			t.Fatalf("what we write is no JSON: %s", again)
		}
	})
}
