package client_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
	"kapivara/pkg/kapivara"
)

// A handler that passes over the error of its reading (a range over one variable, a blank) has not seen the whole stream: its
// nil commits nothing, however the reading failed. What was read whole afterwards, or was never asked for, is committed.
func TestWhatWasNotReadWholeIsNotCommitted(t *testing.T) {
	t.Parallel()
	read := func(ctx context.Context, x *client.Delivery) (n int) {
		for range x.Events(ctx) { //nolint:errcheck // passed over, as a hasty handler does
			n++
		}
		return n
	}
	for name, c := range map[string]struct {
		handle func(ctx context.Context, x *client.Delivery)
		want   string
	}{
		"Events by one variable":           {func(ctx context.Context, x *client.Delivery) { read(ctx, x) }, "7 -NAK"},
		"All without its error":            {func(ctx context.Context, x *client.Delivery) { _, _ = x.All(ctx) }, "7 -NAK"},
		"as JSON without its error":        {func(ctx context.Context, x *client.Delivery) { _ = x.WriteJSON(ctx, new(strings.Builder)) }, "7 -NAK"},
		"read again, and whole":            {func(ctx context.Context, x *client.Delivery) { read(ctx, x); read(ctx, x) }, "7 +ACK"},
		"nothing was asked for":            {func(context.Context, *client.Delivery) {}, "7 +ACK"},
		"enough was read before the error": {func(ctx context.Context, x *client.Delivery) { first(ctx, x) }, "7 +ACK"},
		"failed, and then read in part":    {func(ctx context.Context, x *client.Delivery) { read(ctx, x); first(ctx, x) }, "7 -NAK"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDispatcher(t)
			var firsts atomic.Int32
			d.serve(t, "kapivara.v1.read.delivery.billing", func(m *nats.Msg) {
				if !strings.Contains(string(m.Data), `"cursor"`) {
					firsts.Add(1)
					say(`{"events":[` + fmt.Sprintf(storedEvent, 1) + `],"next":"more"}`)(m)
				} else if firsts.Load() == 1 {
					refuse(m, "404", "not_found", "")
				} else {
					say(`{"events":[` + fmt.Sprintf(storedEvent, 2) + `],"next":null}`)(m)
				}
			})
			s := d.subscribe(t, func(ctx context.Context, x *client.Delivery) error {
				c.handle(ctx, x)
				return nil
			})
			defer stop(t, s)
			d.send(t, "0", 7, ofTwo(7, "30s"))
			if got := take(t, d.answers, "answer"); !strings.HasPrefix(got, c.want) {
				t.Errorf("answer %q, want %s", got, c.want)
			}
		})
	}
}

func first(ctx context.Context, x *client.Delivery) {
	for range x.Events(ctx) { //nolint:errcheck // passed over, as a hasty handler does
		return
	}
}

// I-12: a delivery that came with its events has exactly those that it says.
func TestEventsThatCameWithADeliveryAreWholeOrAnError(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t)
	read := make(chan error, 1)
	s := d.subscribe(t, func(ctx context.Context, x *client.Delivery) error {
		_, err := x.All(ctx)
		read <- err
		return nil
	})
	defer stop(t, s)
	one, two := fmt.Sprintf(storedEvent, 1), fmt.Sprintf(storedEvent, 2)
	for number, events := range []string{one, "", two, one + "," + two} {
		d.send(t, "0", number, delivery("0", number, "30s", `"events":[`+events+`]`))
		err := take(t, read, "delivery")
		want := "+ACK"
		if number > 0 {
			want = "-NAK"
		}
		if got := take(t, d.answers, "answer"); (err == nil) != (number == 0) || !strings.Contains(got, want) {
			t.Errorf("events [%s]: read %v, answer %q, want %s", events, err, got, want)
		}
	}
}

// All has a bound: one large stream must not end the process again and again.
func TestAllRefusesMoreThanItMayHold(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t, client.WithMaxAll(50_000))
	var pages atomic.Int32
	d.serve(t, "kapivara.v1.read.delivery.billing", func(m *nats.Msg) {
		event := fmt.Sprintf(storedEvent, pages.Add(1))
		say(`{"events":[` + event[:len(event)-1] + `,"data":"` + strings.Repeat("x", 10_000) + `"}],"next":"more"}`)(m)
	})
	read := make(chan error, 1)
	s := d.subscribe(t, func(ctx context.Context, x *client.Delivery) error {
		_, err := x.All(ctx)
		read <- err
		return nil
	})
	defer stop(t, s)
	d.send(t, "0", 7, []byte(strings.Replace(string(ofTwo(7, "30s")), `"to":2`, `"to":1000`, 1)))
	if err := take(t, read, "delivery"); client.CodeOf(err) != client.TooLarge {
		t.Errorf("got %v, want too_large", err)
	}
	if got := take(t, d.answers, "answer"); !strings.HasPrefix(got, "7 -NAK") {
		t.Errorf("answer %q, want a -NAK", got)
	}
	if n := pages.Load(); n != 5 {
		t.Errorf("%d pages were read, want 5", n)
	}
}

// What the core says of a delivery the SDK says, too, except for what is no part of the message.
func TestADeliveryHasAllThatTheCoreSaysOfIt(t *testing.T) {
	t.Parallel()
	ours := reflect.TypeFor[client.Delivery]()
	for field := range reflect.TypeFor[kapivara.Delivery]().Fields() {
		switch mine, ok := ours.FieldByName(field.Name); {
		case field.Name == "Node" || field.Name == "Events":
			if ok {
				t.Errorf("it has %s", field.Name)
			}
		case !ok || mine.Type != field.Type:
			t.Errorf("it has no %s of the type %s", field.Name, field.Type)
		}
	}
}
