package client_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
)

func TestNextAsksAndAnswersByToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	asked, answers := make(chan string, 10), make(chan string, 10)
	b.serve(t, "kapivara.v1.next.billing", func(m *nats.Msg) {
		asked <- string(m.Data)
		_ = m.Respond(fmt.Appendf(nil, `{"deliveries":[%s,%s,%s,%s]}`, delivery("0", 1, "30s", `"events":[]`), delivery("0", 2, "30s", `"events":[]`),
			delivery("1", 7, "30s", `"events":[]`), delivery("canary-0", 9, "30s", `"events":[]`)))
	})
	b.serve(t, "kapivara.v1.settle.billing", func(m *nats.Msg) {
		answers <- string(m.Data)
		_ = m.Respond([]byte(`{"settled":"committed"}`))
	})
	ctx := t.Context()
	got, err := b.client.Next(ctx, "billing", client.NextOptions{Bucket: "canary-0", Node: "n1", Batch: 7, Wait: 90 * time.Millisecond})
	if err != nil || len(got) != 4 || got[3].Bucket.String() != "canary-0" {
		t.Fatalf("got %v, %v, want four deliveries", got, err)
	}
	if request := take(t, asked, "request"); request != `{"batch":7,"wait":"90ms","bucket":"canary-0","node":"n1"}` {
		t.Errorf("asked %s", request)
	}
	for i, step := range []struct {
		answer func() error
		want   string
	}{
		{func() error { return got[0].Ack(ctx) }, `{"token":"t","answer":"ack"}`},
		{func() error { return got[1].Nak(ctx, nil) }, `{"token":"t","answer":"nak"}`},
		{func() error { return got[1].Nak(ctx, client.RetryAfter(time.Second, errors.New("later"))) }, `{"token":"t","answer":"nak","delay":1000000000,"reason":"later"}`},
		{func() error { return got[2].Term(ctx, errors.New("broken")) }, `{"token":"t","answer":"term","reason":"broken"}`},
		{func() error { return got[3].Progress(ctx) }, `{"token":"t","answer":"progress"}`},
	} {
		if err := step.answer(); err != nil {
			t.Errorf("answer %d: %v", i, err)
		}
		if answer := take(t, answers, "answer"); answer != step.want {
			t.Errorf("answered %s, want %s", answer, step.want)
		}
	}
	if err := new(client.Delivery).Ack(ctx); err == nil {
		t.Error("a delivery that was not pulled is acknowledged")
	}
}

func TestNextRefusesWhatIsOutOfBoundsBeforeItAsks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, o := range []client.NextOptions{{Batch: -1}, {Batch: 101}, {Wait: -1 * time.Second}, {Wait: 31 * time.Second}, {Bucket: "x"}, {Node: "N"}} {
		if _, err := b.client.Next(t.Context(), "billing", o); client.CodeOf(err) != client.InvalidRequest {
			t.Errorf("%+v: got %v, want invalid_request", o, err)
		}
	}
	if _, err := b.client.Next(t.Context(), "Billing", client.NextOptions{}); client.CodeOf(err) != client.InvalidRequest {
		t.Errorf("got %v, want invalid_request", err)
	}
}

// What did not fit into the answer is read when it is asked for, and what passes is asked again. A pulled delivery whose
// events could not be read is not acknowledged by who passes over the error; what cannot be read does not cost the others.
func TestNextReadsTheEventsThatDidNotComeWithTheAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.serve(t, "kapivara.v1.next.billing", func(m *nats.Msg) {
		_ = m.Respond(fmt.Appendf(nil, `{"deliveries":[%s,%s]}`, ofTwo(1, "30s"), ofTwo(2, "30s")))
	})
	var tries, answers atomic.Int32
	b.serve(t, "kapivara.v1.settle.billing", func(m *nats.Msg) {
		answers.Add(1)
		_ = m.Respond([]byte(`{"settled":"committed"}`))
	})
	b.serve(t, "kapivara.v1.read.delivery.billing", func(m *nats.Msg) {
		switch {
		case strings.Contains(string(m.Data), `"number":2`):
			refuse(m, "404", "not_found", "")
		case tries.Add(1) == 1:
			refuse(m, "503", "unavailable", "")
		case strings.Contains(string(m.Data), `"cursor":"c"`):
			_ = m.Respond(fmt.Appendf(nil, `{"events":[`+storedEvent+`],"next":null}`, 2))
		default:
			_ = m.Respond(fmt.Appendf(nil, `{"events":[`+storedEvent+`],"next":"c"}`, 1))
		}
	})
	ctx := t.Context()
	got, err := b.client.Next(ctx, "billing", client.NextOptions{Batch: 2})
	if err != nil || len(got) != 2 || tries.Load() != 0 {
		t.Fatalf("got %v, %v after %d reads, want two deliveries and no read", got, err, tries.Load())
	}
	if events, err := got[0].All(ctx); err != nil || len(events) != 2 || events[1].Position != 2 {
		t.Errorf("got %v, %v, want the two events", events, err)
	}
	if _, err := got[1].All(ctx); client.CodeOf(err) != client.NotFound {
		t.Errorf("got %v, want not_found", err)
	}
	if err := got[1].Ack(ctx); client.CodeOf(err) != client.NotFound || answers.Load() != 0 {
		t.Errorf("%d answers, %v: what was not read is acknowledged", answers.Load(), err)
	}
	if err := got[0].Ack(ctx); err != nil || answers.Load() != 1 {
		t.Errorf("%d answers, %v, want one", answers.Load(), err)
	}
}
