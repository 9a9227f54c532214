package cells

import (
	"context"
	"fmt"
	"time"

	"kapivara/pkg/client"
	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
	"kapivara/tests/bench/site"
)

// backlog has much wait, and then nodes come.
type backlog struct {
	*audience
	stage    *harness.Stage
	pending  int64 // as a round begins
	nodes    int
	appended int64
}

// startBacklog starts the cell in which all of it is delivered.
func startBacklog(shared *harness.Shared[*site.Site]) start {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		x, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		a, err := subscribe(ctx, x, "backlog", load.NewCounts(nil), many())
		return &backlog{audience: a, stage: s, pending: quickly(s, 100_000, 200), nodes: 4}, err
	}
}

// Round delivers all, and counts from the first delivery to the last confirmation. Its length is its own.
func (b *backlog) Round(ctx context.Context, _ time.Duration) (result harness.Result, err error) {
	if err := b.prepare(ctx); err != nil {
		return result, err
	}
	meter := b.stage.Meter()
	if err := b.listen(b.nodes); err != nil {
		return result, err
	}
	if err := b.counts.Await(ctx, b.appended); err != nil {
		return result, err
	}
	result.CPU, result.Memory = meter.End()
	first, last := b.counts.Span()
	result.Operations, result.Elapsed = b.pending, last.Sub(first)
	return result, b.leave(ctx)
}

// prepare has the whole backlog wait.
func (b *backlog) prepare(ctx context.Context) error {
	missing := b.pending - (b.appended - b.counts.Confirmed())
	if err := b.append(ctx, missing); err != nil {
		return err
	}
	b.appended += max(missing, 0)
	b.counts.Begin()
	return nil
}

// Stop does nothing: the nodes leave with each round, and the rest goes with the site.
func (b *backlog) Stop(context.Context) error { return nil }

// oneBucket is a backlog of which a round delivers what it can.
type oneBucket struct{ *backlog }

// startOneBucket starts the cell of one bucket with one in flight: the next waits for the commit of the one before.
func startOneBucket(shared *harness.Shared[*site.Site]) start {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		x, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		one := 1
		a, err := subscribe(ctx, x, "one-bucket", load.NewCounts(nil), client.SubscriberPatch{Buckets: &one, MaxInFlight: &one})
		return oneBucket{&backlog{audience: a, stage: s, pending: quickly(s, 20_000, 2000), nodes: 1}}, err
	}
}

// Round delivers for so long.
func (o oneBucket) Round(ctx context.Context, length time.Duration) (harness.Result, error) {
	if err := o.prepare(ctx); err != nil {
		return harness.Result{}, err
	}
	return o.deliverFor(ctx, length)
}

// deliverFor has nodes come, takes what they commit in the time from the first delivery on, and has them leave.
func (b *backlog) deliverFor(ctx context.Context, length time.Duration) (result harness.Result, err error) {
	before := b.counts.Confirmed()
	if err := b.listen(b.nodes); err != nil {
		return result, err
	}
	if err := b.counts.Await(ctx, before+1); err != nil {
		return result, err
	}
	meter, began, first := b.stage.Meter(), time.Now(), b.counts.Confirmed()
	select {
	case <-time.After(length):
	case <-ctx.Done():
		return result, ctx.Err()
	}
	result.Operations, result.Elapsed = b.counts.Confirmed()-first, time.Since(began)
	result.CPU, result.Memory = meter.End()
	if b.counts.Confirmed() == b.appended {
		return result, fmt.Errorf("all %d that waited were delivered before the time was over", b.pending)
	}
	return result, b.leave(ctx)
}
