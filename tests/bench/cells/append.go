package cells

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
	"kapivara/tests/bench/site"
)

// appendSubject is where the bench's publisher appends.
const appendSubject = "kapivara.v1.append.bench"

// start is how a cell starts.
type start = func(ctx context.Context, s *harness.Stage) (harness.Runner, error)

// sharedLog is a site whose log the append cells share: one writer and nothing else. Nobody subscribes.
func sharedLog() *harness.Shared[*site.Site] {
	return &harness.Shared[*site.Site]{Make: func(ctx context.Context, s *harness.Stage) (*site.Site, error) {
		return site.Start(ctx, s, harness.Writer)
	}}
}

// appender appends with so many requests in flight.
type appender struct {
	*site.Site
	pump   load.Pump
	events int64 // of a request
}

// appends starts a cell with so many requests in flight, events a request, and events a stream.
func appends(shared *harness.Shared[*site.Site], inFlight, events, length int) start {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		x, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		a, err := newAppender(x, inFlight, events, length)
		if err != nil {
			return nil, err
		}
		return a, warm(ctx, s, a)
	}
}

func newAppender(x *site.Site, inFlight, events, length int) (*appender, error) {
	nc, err := x.Connect()
	if err != nil {
		return nil, err
	}
	return &appender{Site: x, events: int64(events), pump: newPump(nc, inFlight, events, length)}, nil
}

func newPump(nc *nats.Conn, inFlight, events, length int) load.Pump {
	return load.Pump{
		Conn: nc, Subject: appendSubject, InFlight: inFlight,
		Next: load.NewWriter(inFlight, events, length).Next, Check: load.Stored,
	}
}

// warm runs a round that does not count, but for a quick look.
func warm(ctx context.Context, s *harness.Stage, r harness.Runner) error {
	length := time.Second
	if s.Quick {
		length = 50 * time.Millisecond
	}
	_, err := r.Round(ctx, length)
	return err
}

// Round appends for so long. What was acknowledged must have been stored, and nothing else.
func (a *appender) Round(ctx context.Context, length time.Duration) (harness.Result, error) {
	before, err := a.Head(ctx)
	if err != nil {
		return harness.Result{}, err
	}
	tally, err := a.pump.Run(ctx, length)
	if err != nil {
		return harness.Result{}, err
	}
	after, err := a.Head(ctx)
	if stored := after - before; err == nil && stored != tally.Requests*a.events {
		err = fmt.Errorf("%d events were acknowledged, %d were stored", tally.Requests*a.events, stored)
	}
	return harness.Result{Operations: tally.Requests * a.events, Elapsed: tally.Elapsed, Latencies: tally.Latencies}, err
}

// Stop does nothing: the connection goes with the site.
func (a *appender) Stop(context.Context) error { return nil }
