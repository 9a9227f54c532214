package overnats_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"kapivara/pkg/client"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// jetStreamServer is a NATS server with JetStream, and its URL.
func jetStreamServer(t *testing.T) string {
	t.Helper()
	return kit.NATSServer(t, &server.Options{JetStream: true, StoreDir: t.TempDir()}).ClientURL()
}

// layStream lays a stream over a subject, and gives it.
func layStream(t *testing.T, url, subject string, silent bool) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(connect(t, url).Conn())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "ALL", Subjects: []string{subject}, NoAck: silent, Storage: jetstream.MemoryStorage,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAJetStreamStreamWithoutAcknowledgementsDisturbsNothing(t *testing.T) {
	t.Parallel()
	url := jetStreamServer(t)
	stream := layStream(t, url, "kapivara.>", true)
	b := startOn(t, url, nil)
	seen := listen(t, url, "kapivara.v1.watch.bucket.billing.*")
	b.set(t, "billing", client.SubscriberPatch{Buckets: to(1), MaxAttempts: to(1), AckWait: to("100ms"), Backoff: to([]string{"20ms"})})
	b.append(t, "shop/web/order/1", event("a", false), event("b", true))
	// The stream takes the deliveries like an onlooker that never answers: that is no reason to park one.
	for attempt := 0; attempt < 3; {
		row, err := wire.DecodeDeliveryRow(next(t, seen, "sending").Data)
		if err != nil || row.State == kapivara.Parked {
			t.Fatalf("got %+v, %v", row, err)
		}
		attempt = row.Attempt
	}
	b.set(t, "billing", client.SubscriberPatch{AckWait: to("30s")})
	got := make(chan *client.Delivery, 10)
	b.subscribe(t, "billing", func(_ context.Context, d *client.Delivery) error { got <- d; return nil })
	if events := whole(t, next(t, got, "delivery")); len(events) != 2 || events[0].ID != "a" {
		t.Errorf("got %+v", events)
	}
	if again := b.append(t, "shop/web/order/1", event("a", false)); again.Events[0].Stored || !again.Complete {
		t.Errorf("the repeat: %+v", again)
	}
	kit.Eventually(t, patience, func() error {
		last, err := b.LastCommitted(t.Context(), "billing", "0")
		if err != nil {
			return err
		}
		events, err := last.All(t.Context())
		if err == nil && len(events) != 2 {
			return fmt.Errorf("it has %d events", len(events))
		}
		return err
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter("kapivara.v1.>"))
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"kapivara.v1.append.clerk", "kapivara.v1.bucket.billing.0", "kapivara.v1.watch.log.shop.web.order"} {
		if info.State.Subjects[subject] == 0 {
			t.Errorf("the stream has nothing of %s: it was not in the way", subject)
		}
	}
}

func TestTheAcknowledgementOfADeliveryIsNoAnswerOfTheSubscriber(t *testing.T) {
	t.Parallel()
	url := jetStreamServer(t)
	layStream(t, url, "kapivara.v1.bucket.>", false)
	b := startOn(t, url, nil)
	seen := listen(t, url, "kapivara.v1.watch.bucket.billing.*")
	acknowledged := listen(t, url, "kapivara.v1.settle.billing.*")
	gate := make(chan struct{})
	b.set(t, "billing", client.SubscriberPatch{Buckets: to(1)})
	b.subscribe(t, "billing", func(context.Context, *client.Delivery) error { <-gate; return nil })
	b.append(t, "shop/web/order/1", event("a", true))
	if m := next(t, acknowledged, "acknowledgement"); !wire.IsPubAck(m.Data) {
		t.Errorf("the first on the reply subject is %s, want JetStream's", m.Data)
	}
	close(gate)
	var states []string
	for len(states) < 2 {
		row, err := wire.DecodeDeliveryRow(next(t, seen, "notice").Data)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, fmt.Sprint(row.Attempt, " ", row.State))
	}
	if got := strings.Join(states, ", "); got != "1 leased, 1 committed" {
		t.Errorf("got %s", got)
	}
}

// TestAnAppendIsNotTakenForStoredWhereJetStreamAnswers lays a stream over appends that acknowledges them: whoever is
// answered by it is told so, and the same append sent again, once it is gone, tells what has become of it.
func TestAnAppendIsNotTakenForStoredWhereJetStreamAnswers(t *testing.T) {
	t.Parallel()
	url := jetStreamServer(t)
	layStream(t, url, "kapivara.v1.append.*", false)
	b := bus{Client: connect(t, url)}
	_, err := b.Append(t.Context(), "clerk", client.Append{Stream: "shop/web/order/1", Events: []client.NewEvent{event("a", true)}})
	if client.CodeOf(err) != client.Internal || !strings.Contains(err.Error(), "--no-ack") {
		t.Errorf("got %v, want it said that JetStream has answered", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	js, err := jetstream.New(b.Conn())
	if err == nil {
		err = js.DeleteStream(ctx, "ALL")
	}
	if err != nil {
		t.Fatal(err)
	}
	b = startOn(t, url, nil)
	if result := b.append(t, "shop/web/order/1", event("a", true)); !result.Events[0].Stored {
		t.Errorf("nothing served before, but %+v", result)
	}
}
