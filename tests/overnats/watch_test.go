package overnats_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// event is a small event; its id says which.
func event(id string, final bool) client.NewEvent {
	return client.NewEvent{ID: client.EventID(id), Type: "noted", Final: final, Kind: client.JSONData, Data: []byte(`{"of": "` + id + `"}`)}
}

// append appends by one publisher, and it has to be ok.
func (b bus) append(t *testing.T, stream string, events ...client.NewEvent) client.AppendResult {
	t.Helper()
	result, err := b.Append(t.Context(), "clerk", client.Append{Stream: client.Stream(stream), Events: events})
	if err != nil {
		t.Fatalf("append to %s: %v", stream, err)
	}
	return result
}

// set sets a subscriber, and it has to be ok.
func (b bus) set(t *testing.T, name string, patch client.SubscriberPatch) {
	t.Helper()
	if _, err := b.SetSubscriber(t.Context(), name, patch); err != nil {
		t.Fatalf("set %s: %v", name, err)
	}
}

// subscribe works until the test ends.
func (b bus) subscribe(t *testing.T, name string, handle client.Handler) {
	t.Helper()
	c := connect(t, b.nats)
	s, err := c.Subscribe(name, handle, client.WithErrorHandler(func(err error) { t.Errorf("subscription: %v", err) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

func to[T any](v T) *T { return &v }

func TestWatchShowsEveryNewEventAfterItsCommit(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	seen := listen(t, b.nats, "kapivara.v1.watch.log.>")
	see := func(id, subject string) {
		t.Helper()
		m := next(t, seen, "notice of "+id)
		shown, err := wire.DecodeEvent(m.Data)
		if err != nil || string(shown.ID) != id || m.Subject != subject || m.Reply != "" {
			t.Fatalf("on %s, reply %q: %s, %v; want %s on %s", m.Subject, m.Reply, m.Data, err, id, subject)
		}
		read, err := b.Event(t.Context(), "", shown.ID)
		if err != nil || string(client.EventJSON(&read)) != string(m.Data) {
			t.Errorf("shown %s, read at once %s, %v", m.Data, client.EventJSON(&read), err)
		}
	}
	const orders, strange = "kapivara.v1.watch.log.shop.web.order", "kapivara.v1.watch.log.shop.web.strange"
	b.append(t, "shop/web/order/1", event("a", false), event("b", false))
	see("a", orders)
	see("b", orders)
	// A repeat and a refusal show nothing; a request of both shows the new one alone.
	b.append(t, "shop/web/order/1", event("a", false))
	_, err := b.Append(t.Context(), "clerk", client.Append{Stream: "shop/web/order/1", Expect: client.ExpectNew(), Events: []client.NewEvent{event("no", false)}})
	if client.CodeOf(err) != client.WrongVersion {
		t.Errorf("got %v, want wrong_version", err)
	}
	b.append(t, "shop/web/order/1", event("b", false), event("c", true))
	see("c", orders)
	b.append(t, "shop/web/strange/a stream.with > dots * and ü/x", event("d", true))
	see("d", strange)
	// Nothing else has been shown: the next is the next that is stored.
	b.append(t, "shop/web/order/2", event("e", false))
	see("e", orders)
}

func TestWatchShowsEverySendingAnswerAndParking(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	seen := listen(t, b.nats, "kapivara.v1.watch.*.>")
	b.set(t, "billing", client.SubscriberPatch{Buckets: to(2), MaxAttempts: to(2), Backoff: to([]string{"50ms"})})
	answers := map[string]func(context.Context, *client.Delivery) error{
		"ack": func(context.Context, *client.Delivery) error { return nil },
		"nak": func(_ context.Context, d *client.Delivery) error {
			if d.Attempt == 1 {
				return client.RetryAfter(10*time.Millisecond, errors.New("later"))
			}
			return nil
		},
		"wpi":  func(ctx context.Context, d *client.Delivery) error { return d.Progress(ctx) },
		"term": func(context.Context, *client.Delivery) error { return client.Terminate(errors.New("bad IBAN")) },
		"fail": func(context.Context, *client.Delivery) error { return errors.New("no paper") },
	}
	b.subscribe(t, "billing", func(ctx context.Context, d *client.Delivery) error { return answers[d.Stream.ID()](ctx, d) })
	for name := range answers {
		b.append(t, "shop/web/order/"+name, event(name, true))
	}
	want := map[string]string{ // attempt and state of each notice; -parked is shown as a parking, too
		"ack":  "1 leased, 1 committed",
		"nak":  "1 leased, 1 hidden, 2 leased, 2 committed",
		"wpi":  "1 leased, 1 leased, 1 committed",
		"term": "1 leased, 1 parked, 1 parked on parked",
		"fail": "1 leased, 1 hidden, 2 leased, 2 parked, 2 parked on parked",
	}
	got, last := noticesUntil(t, seen, want)
	for name := range want {
		if said := strings.Join(got[name], ", "); said != want[name] {
			t.Errorf("%s: %s; want %s", name, said, want[name])
		}
	}
	// What was shown last is how it stands.
	page, err := b.SubscriberState(t.Context(), "billing", client.SubscriberQuery{})
	if err != nil || len(page.Deliveries) != len(want) {
		t.Fatalf("%+v, %v", page, err)
	}
	for i := range page.Deliveries {
		stands, shown := string(client.DeliveryRowJSON(&page.Deliveries[i])), last[page.Deliveries[i].Stream.ID()]
		if stands != shown {
			t.Errorf("it stands as %s\nshown was       %s", stands, shown)
		}
	}
}

// noticesUntil collects what is shown of each stream's delivery, until as much has come as is wanted.
func noticesUntil(t *testing.T, seen <-chan *nats.Msg, want map[string]string) (got map[string][]string, last map[string]string) {
	t.Helper()
	got, last = map[string][]string{}, map[string]string{}
	missing := 0
	for _, notices := range want {
		missing += 1 + strings.Count(notices, ", ")
	}
	for ; missing > 0; missing-- {
		m := next(t, seen, fmt.Sprintf("notice; came %v", got))
		if strings.HasPrefix(m.Subject, "kapivara.v1.watch.log.") {
			missing++
			continue
		}
		row, err := wire.DecodeDeliveryRow(m.Data)
		if err != nil {
			t.Fatalf("%s: %v", m.Data, err)
		}
		name := row.Stream.ID()
		notice := fmt.Sprint(row.Attempt, " ", row.State)
		switch m.Subject {
		case "kapivara.v1.watch.parked.billing":
			notice += " on parked"
		case "kapivara.v1.watch.bucket.billing." + row.Bucket.String():
		default:
			t.Errorf("a notice on %s", m.Subject)
		}
		if row.Bucket != kapivara.BucketOf(row.Stream.Hash(), false, 2, 0) || row.Number < 1 {
			t.Errorf("%s: bucket %s, number %d", row.Stream, row.Bucket, row.Number)
		}
		got[name], last[name] = append(got[name], notice), string(m.Data)
	}
	return got, last
}

func TestAnOnlookerOnWatchIsNoListener(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	seen := listen(t, b.nats, "kapivara.v1.watch.>")
	b.set(t, "billing", client.SubscriberPatch{MaxAttempts: to(1), AckWait: to("100ms"), Backoff: to([]string{"50ms"})})
	b.append(t, "shop/web/order/1", event("a", true))
	kit.Eventually(t, patience, func() error {
		e, err := b.Explain(t.Context(), "shop/web/order/1", "billing")
		if err != nil {
			return err
		}
		if e.Subscribers[0].Code != "nobody_listens" {
			return fmt.Errorf("the reason is %s", e.Subscribers[0].Code)
		}
		return nil
	})
	got := make(chan *client.Delivery, 10)
	b.subscribe(t, "billing", func(_ context.Context, d *client.Delivery) error { got <- d; return nil })
	if d := next(t, got, "delivery"); d.Attempt != 1 {
		t.Errorf("it came as attempt %d, want 1: nobody was there before", d.Attempt)
	}
	var states []kapivara.State
	for !slices.Contains(states, kapivara.Committed) {
		m := next(t, seen, fmt.Sprintf("notice of the commit behind %v", states))
		if row, err := wire.DecodeDeliveryRow(m.Data); err == nil && strings.Contains(m.Subject, ".bucket.") {
			states = append(states, row.State)
		}
	}
	if slices.Contains(states, kapivara.Hidden) || slices.Contains(states, kapivara.Parked) {
		t.Errorf("it was %v, want it sent and committed", states)
	}
}
