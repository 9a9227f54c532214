package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
)

// ofTwo is a delivery of the positions 1 and 2 that comes by reference.
func ofTwo(number int, wait string) []byte {
	text := delivery("0", number, wait, fmt.Sprintf(`"events":null,"read":{"subject":"kapivara.v1.read.delivery.billing","request":{"bucket":"0","number":%d}}`, number))
	return bytes.Replace(text, []byte(`"to":1`), []byte(`"to":2`), 1)
}

// The handler gets a delivery before its events are read, and reads them as it goes, again where it begins anew.
func TestPagesAreReadAsTheHandlerGoes(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t)
	var asked atomic.Int32
	d.serve(t, "kapivara.v1.read.delivery.billing", func(m *nats.Msg) {
		if asked.Add(1) == 2 {
			refuse(m, "503", "unavailable", "")
			return
		}
		page, next := fmt.Sprintf(storedEvent, 1), `"more"`
		if strings.Contains(string(m.Data), `"cursor":"more"`) {
			page, next = fmt.Sprintf(storedEvent, 2), "null"
		}
		say(`{"events":[` + page + `],"next":` + next + `}`)(m)
	})
	done := make(chan error, 1)
	s := d.subscribe(t, func(ctx context.Context, x *client.Delivery) (err error) {
		defer func() { done <- err }()
		if n := asked.Load(); n != 0 {
			return fmt.Errorf("%d pages were read before", n)
		}
		for e, err := range x.Events(ctx) {
			if err != nil || e.Position != 1 {
				return fmt.Errorf("first event %+v: %w", e, err)
			}
			break
		}
		if n := asked.Load(); n != 1 {
			return fmt.Errorf("%d pages were read for one event", n)
		}
		var text bytes.Buffer
		if err := x.WriteJSON(ctx, &text); err != nil {
			return err
		}
		if got := text.String(); !strings.Contains(got, `"id":"x2"`) || strings.Contains(got, `"read"`) || strings.Count(got, `"events"`) != 1 {
			return fmt.Errorf("as JSON: %s", got)
		}
		return nil
	})
	defer stop(t, s)
	d.send(t, "0", 7, ofTwo(7, "30s"))
	if err := take(t, done, "delivery"); err != nil {
		t.Error(err)
	}
	if got := take(t, d.answers, "answer"); got != "7 +ACK" {
		t.Errorf("answer %q", got)
	}
}

// I-12: nothing partial is taken for the whole.
func TestPagesThatLackAnEventAreAnError(t *testing.T) {
	t.Parallel()
	for name, pages := range map[string]string{
		"the end": fmt.Sprintf(storedEvent, 1), "the beginning": fmt.Sprintf(storedEvent, 2),
		"nothing more": fmt.Sprintf(storedEvent, 1) + "," + fmt.Sprintf(storedEvent, 2) + "," + fmt.Sprintf(storedEvent, 3), "everything": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDispatcher(t)
			d.serve(t, "kapivara.v1.read.delivery.billing", say(`{"events":[`+pages+`],"next":null}`))
			read := make(chan error, 1)
			s := d.subscribe(t, func(ctx context.Context, x *client.Delivery) (last error) {
				for _, err := range x.Events(ctx) {
					last = err
				}
				read <- last
				return last
			})
			defer stop(t, s)
			d.send(t, "0", 7, ofTwo(7, "30s"))
			if err := take(t, read, "delivery"); err == nil {
				t.Error("it was taken for the whole")
			}
			if got := take(t, d.answers, "answer"); !strings.HasPrefix(got, "7 -NAK") {
				t.Errorf("answer %q, want a -NAK", got)
			}
		})
	}
}

// While pages are read the deadline is moved on, in a request that is confirmed: the second page is not to be had before.
func TestReadingPagesMovesTheDeadlineOn(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t)
	var extended atomic.Bool
	d.serve(t, "kapivara.v1.settle.billing.7", func(m *nats.Msg) {
		if string(m.Data) == "+WPI" && m.Reply != "" {
			extended.Store(true)
		}
	})
	d.serve(t, "kapivara.v1.read.delivery.billing", func(m *nats.Msg) {
		switch more := strings.Contains(string(m.Data), `"cursor"`); {
		case !more:
			say(`{"events":[` + fmt.Sprintf(storedEvent, 1) + `],"next":"more"}`)(m)
		case extended.Load():
			say(`{"events":[` + fmt.Sprintf(storedEvent, 2) + `],"next":null}`)(m)
		default:
			refuse(m, "503", "unavailable", "")
		}
	})
	s := d.subscribe(t, func(ctx context.Context, x *client.Delivery) error {
		for _, err := range x.Events(ctx) {
			if err != nil {
				return errors.Join(errors.New("read"), err)
			}
		}
		return nil
	})
	defer stop(t, s)
	d.send(t, "0", 7, ofTwo(7, "400ms"))
	for {
		switch got := take(t, d.answers, "answer"); got {
		case "7 +WPI":
		case "7 +ACK":
			return
		default:
			t.Fatalf("answer %q", got)
		}
	}
}
