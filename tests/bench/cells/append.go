package cells

import (
	"context"
	"fmt"
	"time"

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
	writer *load.Writer
	pump   load.Pump
}

// appends starts a cell with so many requests in flight, of such streams.
func appends(shared *harness.Shared[*site.Site], inFlight int, streams load.Streams) start {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		x, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		a, err := newAppender(x, inFlight, streams)
		if err != nil {
			return nil, err
		}
		return a, warm(ctx, s, a)
	}
}

// newAppender begins no stream that it does not finish: what it appends is whole streams.
func newAppender(x *site.Site, inFlight int, streams load.Streams) (*appender, error) {
	nc, err := x.Connect()
	if err != nil {
		return nil, err
	}
	writer := load.NewWriter(inFlight, streams)
	return &appender{Site: x, writer: writer, pump: load.Pump{
		Conn: nc, Subject: appendSubject, InFlight: inFlight, Next: writer.Next, More: writer.Midway, Check: load.Stored,
	}}, nil
}

// warm runs a round that does not count, a very short one for a quick look.
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
	events := tally.Requests * int64(a.writer.Events)
	if stored := after - before; err == nil && stored != events {
		err = fmt.Errorf("%d events were acknowledged, %d were stored", events, stored)
	}
	return harness.Result{Operations: events, Elapsed: tally.Elapsed, Latencies: tally.Latencies}, err
}

// Stop does nothing: the connection goes with the site.
func (a *appender) Stop(context.Context) error { return nil }
