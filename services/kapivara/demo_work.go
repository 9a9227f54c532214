package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"kapivara/pkg/client"
)

// demoWork is the subscriber's side of the demo: it checks what is delivered against the sample.
type demoWork struct {
	sample *sample
	mu     sync.Mutex
	done   map[client.Stream]int // deliveries answered with ack
	wrong  []string
	naks   int
	all    chan struct{}
}

func newDemoWork(s *sample) *demoWork {
	return &demoWork{sample: s, done: map[client.Stream]int{}, all: make(chan struct{})}
}

func (w *demoWork) expected() int { return len(w.sample.orders) - len(w.sample.holes) }

var errBusy = errors.New("the invoice printer is out of paper")

// handle looks at a delivery; now and then it fails the first time, as workers do.
func (w *demoWork) handle(ctx context.Context, d *client.Delivery) error {
	printing := time.NewTimer(10 * time.Millisecond) // an invoice takes a while, and people want to see the buckets
	defer printing.Stop()
	select {
	case <-printing.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	events, err := d.All(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.Attempt == 1 && d.Number%25 == 7 {
		w.naks++
		return client.RetryAfter(50*time.Millisecond, errBusy)
	}
	if complaint := w.check(d, events); complaint != "" {
		w.wrong = append(w.wrong, fmt.Sprintf("%s: %s", d.Stream, complaint))
	}
	w.done[d.Stream]++
	if len(w.done) == w.expected() && w.done[d.Stream] == 1 {
		close(w.all)
	}
	return nil
}

// check says what is wrong with a delivery, "" for nothing.
func (w *demoWork) check(d *client.Delivery, events []client.Event) string {
	want, known := w.sample.orders[d.Stream]
	_, hole := w.sample.holes[d.Stream]
	switch {
	case !known:
		return "nobody sent that stream"
	case hole:
		return "delivered though an event is missing"
	case len(events) != len(want) || !d.Complete || d.From != 1 || d.To != len(want):
		return fmt.Sprintf("not whole: %d of %d events", len(events), len(want))
	case d.Bucket != client.BucketOf(d.Stream, demoBuckets):
		return fmt.Sprintf("in bucket %s instead of %s", d.Bucket, client.BucketOf(d.Stream, demoBuckets))
	}
	for i, e := range events {
		if e.ID != want[i].ID || e.Position != i+1 || string(e.Data) != string(want[i].Data) {
			return fmt.Sprintf("event %d is another one, or out of order", i+1)
		}
	}
	return ""
}

func (w *demoWork) failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, err.Error())
}

// wait ends when every order that can be delivered has been.
func (w *demoWork) wait(ctx context.Context) error {
	select {
	case <-w.all:
		return nil
	case <-ctx.Done():
		w.mu.Lock()
		defer w.mu.Unlock()
		return fmt.Errorf("%d of %d orders were delivered in time: %w", len(w.done), w.expected(), ctx.Err())
	}
}

// report prints the result and tells whether all is well.
func (w *demoWork) report(to io.Writer, appended appendCounts, state client.SubscriberState, took time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var committed, lag, parked int64
	for _, b := range state.Buckets {
		committed, lag, parked = committed+b.Committed, lag+b.Lag, parked+b.Parked
	}
	twice := 0
	for _, n := range w.done {
		if n > 1 {
			twice++
		}
	}
	events := len(w.sample.arrivals) - w.sample.repeats
	ok := true
	t := newTable(to, "CHECK", "EXPECTED", "FOUND", "")
	check := func(name string, expected, found int) {
		verdict := "ok"
		if expected != found {
			verdict, ok = "WRONG", false
		}
		t.row(name, thousands(expected), thousands(found), verdict)
	}
	check("events stored once", events, appended.stored)
	check("repeats recognised", w.sample.repeats, appended.repeats)
	check("finished orders delivered", w.expected(), len(w.done))
	check("delivered a second time after their commit", 0, twice)
	check("not whole, out of order, or in the wrong bucket", 0, len(w.wrong))
	check("commits confirmed by the store", w.expected(), int(committed))
	check("left to deliver, or parked", 0, int(lag+parked))
	t.flush()
	for i, complaint := range w.wrong {
		if i == 5 {
			fmt.Fprintf(to, "… and %d more\n", len(w.wrong)-i)
			break
		}
		fmt.Fprintln(to, "  "+complaint)
	}
	fmt.Fprintf(to, "\n%s appends in %.1f s; %d deliveries were answered \"later\" once and came again; all in %.1f s.\n",
		thousands(len(w.sample.arrivals)), appended.took.Seconds(), w.naks, took.Seconds())
	return ok
}
