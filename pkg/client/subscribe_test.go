package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
)

const storedEvent = `{"specversion":"1.0","id":"x%[1]d","source":"/s","type":"t","time":"2026-01-01T00:00:00Z","stream":"a/b/c/d","position":%[1]d,"final":false,"publisher":"p","recordedtime":"2026-01-01T00:00:00Z","logposition":"%[1]d"}`

func delivery(bucket string, number int, wait, events string) []byte {
	return fmt.Appendf(nil, `{"subscriber":"billing","bucket":%q,"buckets":8,"canary":false,"number":%d,"attempt":1,"cause":"complete","stream":"a/b/c/d",`+
		`"version":1,"finish":1,"complete":true,"from":1,"to":1,"ack_wait":%q,"deadline":"2026-01-01T00:00:00Z","token":"t",%s}`, bucket, number, wait, events)
}

// dispatcher sends deliveries and notes the answers.
type dispatcher struct {
	*bench
	answers chan string // "number answer"
}

func newDispatcher(t *testing.T, opts ...client.Option) *dispatcher {
	d := &dispatcher{bench: newBench(t, opts...), answers: make(chan string, 1000)}
	d.serve(t, "kapivara.v1.settle.billing.*", func(m *nats.Msg) {
		d.answers <- strings.TrimPrefix(m.Subject, "kapivara.v1.settle.billing.") + " " + string(m.Data)
		_ = m.Respond([]byte(`{"settled":"committed"}`))
	})
	return d
}

func (d *dispatcher) send(t *testing.T, bucket string, number int, body []byte) {
	t.Helper()
	err := d.other.PublishRequest("kapivara.v1.bucket.billing."+bucket, fmt.Sprintf("kapivara.v1.settle.billing.%d", number), body)
	if err != nil {
		t.Fatalf("send: %v", err)
	}
}

func (d *dispatcher) subscribe(t *testing.T, handle client.Handler, opts ...client.SubscribeOption) *client.Subscription {
	t.Helper()
	opts = append([]client.SubscribeOption{client.WithErrorHandler(func(err error) { t.Errorf("subscription: %v", err) })}, opts...)
	s, err := d.client.Subscribe("billing", handle, opts...)
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	return s
}

func stop(t *testing.T, s *client.Subscription) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestAHandlersReturnIsTheAnswer(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t)
	s := d.subscribe(t, func(_ context.Context, x *client.Delivery) error {
		switch x.Number {
		case 1:
			return nil
		case 2:
			return errors.New("out of paper")
		case 3:
			return client.RetryAfter(10*time.Second, errors.New("later"))
		default:
			return fmt.Errorf("wrapped: %w", client.Terminate(errors.New("no such customer")))
		}
	})
	defer stop(t, s)
	for number, want := range map[int]string{
		1: "+ACK", 2: `-NAK {"reason":"out of paper"}`, 3: `-NAK {"delay":10000000000,"reason":"later"}`, 4: "+TERM wrapped: no such customer",
	} {
		d.send(t, "0", number, delivery("0", number, "30s", `"events":[]`))
		if got := take(t, d.answers, "answer"); got != fmt.Sprintf("%d %s", number, want) {
			t.Errorf("answer %q, want %q", got, want)
		}
	}
}

func TestDeliveriesOfABucketAreHandledInOrderAndBucketsSideBySide(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t)
	gate, other := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	var order []int64
	s := d.subscribe(t, func(_ context.Context, x *client.Delivery) error {
		if x.Bucket.String() == "1" {
			close(other)
			return nil
		}
		if x.Number == 1 {
			<-gate
		}
		mu.Lock()
		defer mu.Unlock()
		order = append(order, x.Number)
		return nil
	})
	for n := 1; n <= 20; n++ {
		d.send(t, "0", n, delivery("0", n, "30s", `"events":[]`))
	}
	d.send(t, "1", 99, delivery("1", 99, "30s", `"events":[]`))
	take(t, other, "delivery of the other bucket")
	close(gate)
	stop(t, s)
	if len(order) != 20 {
		t.Fatalf("%d deliveries handled before Stop returned, want 20", len(order))
	}
	for i, n := range order {
		if n != int64(i+1) {
			t.Fatalf("handled in the order %v", order)
		}
	}
}

func TestADeliveryThatWaitsHasItsDeadlineMovedOn(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t)
	gate := make(chan struct{})
	s := d.subscribe(t, func(ctx context.Context, x *client.Delivery) error {
		if x.Number == 1 {
			<-gate
			return x.Progress(ctx)
		}
		return nil
	})
	d.send(t, "0", 1, delivery("0", 1, "30s", `"events":[]`))
	d.send(t, "0", 2, delivery("0", 2, "100ms", `"events":[]`))
	for range 2 {
		if got := take(t, d.answers, "progress"); got != "2 +WPI" {
			t.Errorf("answer %q, want a +WPI of the one that waits", got)
		}
	}
	close(gate)
	stop(t, s)
	seen := map[string]bool{}
	for len(d.answers) > 0 {
		seen[<-d.answers] = true
	}
	if !seen["1 +WPI"] || !seen["1 +ACK"] || !seen["2 +ACK"] {
		t.Errorf("answers %v", seen)
	}
}

func TestStopGivesUpWaitingWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t)
	at := make(chan struct{})
	s := d.subscribe(t, func(ctx context.Context, _ *client.Delivery) error {
		close(at)
		<-ctx.Done()
		return ctx.Err()
	}, client.WithErrorHandler(func(error) {}))
	d.send(t, "0", 1, delivery("0", 1, "30s", `"events":[]`))
	take(t, at, "delivery")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop: %v", err)
	}
	if len(d.answers) > 0 {
		t.Errorf("answered %q though the work was left undone", <-d.answers)
	}
}

// TestAForgedDeliveryReachesNoHandler is T-03: whoever may send requests may name a bucket's subject as the reply of one.
func TestAForgedDeliveryReachesNoHandler(t *testing.T) {
	t.Parallel()
	d := newDispatcher(t)
	refused := make(chan error, 10)
	handled := make(chan int64, 10)
	s := d.subscribe(t, func(_ context.Context, d *client.Delivery) error {
		handled <- d.Number
		return nil
	}, client.WithErrorHandler(func(err error) { refused <- err }))
	for _, reply := range []string{"", "_INBOX.x", "kapivara.v1.settle.audit.1", "kapivara.v1.append.billing"} {
		forged := &nats.Msg{Subject: "kapivara.v1.bucket.billing.0", Reply: reply, Data: delivery("0", 1, "30s", `"events":[]`)}
		if err := d.other.PublishMsg(forged); err != nil {
			t.Fatalf("send: %v", err)
		}
		select {
		case err := <-refused:
			if err == nil {
				t.Errorf("with the reply subject %q: got no reason", reply)
			}
		case n := <-handled:
			t.Errorf("with the reply subject %q delivery %d was handled, want it refused", reply, n)
		case <-t.Context().Done():
			t.Fatal("nothing came")
		}
	}
	stop(t, s)
}
