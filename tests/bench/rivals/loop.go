package rivals

import (
	"context"
	"fmt"
	"sync"
	"time"

	"kapivara/tests/bench/harness"
)

// warm is how long a cell does its work before the first round.
const warm = time.Second

// closedLoop has so many workers each do one thing after the other for so long, and gives what they did. The first error
// ends it.
func closedLoop(ctx context.Context, workers int, length time.Duration, do func(ctx context.Context, worker int) error) (harness.Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	began := time.Now()
	took := make([][]time.Duration, workers)
	var all sync.WaitGroup
	for n := range workers {
		all.Go(func() {
			for from := time.Now(); from.Sub(began) < length && ctx.Err() == nil; {
				if err := do(ctx, n); err != nil {
					cancel(fmt.Errorf("after %v: %w", time.Since(began).Round(time.Millisecond), err))
					return
				}
				now := time.Now()
				took[n] = append(took[n], now.Sub(from))
				from = now
			}
		})
	}
	all.Wait()
	r := harness.Result{Elapsed: time.Since(began)}
	for _, latencies := range took {
		r.Latencies = append(r.Latencies, latencies...)
	}
	r.Operations = int64(len(r.Latencies))
	return r, context.Cause(ctx)
}

// rounds are those of a store: the load is measured, and then what the store holds is counted.
type rounds struct {
	stage *harness.Stage
	load  func(ctx context.Context, length time.Duration) (harness.Result, error)
	count func(ctx context.Context) (int64, error)
	// analyze brings the database's statistics up to date, as a server that runs for a while does by itself: its plans are
	// else those for empty tables. Nil where there is none.
	analyze func(ctx context.Context) error
	held    int64
}

// start does the work for a moment, and counts from what is stored then.
func (r *rounds) start(ctx context.Context) (harness.Runner, error) {
	if !r.stage.Quick {
		if _, err := r.load(ctx, warm); err != nil {
			return nil, fmt.Errorf("warm up: %w", err)
		}
	}
	if r.analyze != nil {
		if err := r.analyze(ctx); err != nil {
			return nil, fmt.Errorf("analyze: %w", err)
		}
	}
	var err error
	r.held, err = r.count(ctx)
	return harness.RunnerFunc(r.round), err
}

func (r *rounds) round(ctx context.Context, length time.Duration) (harness.Result, error) {
	meter := r.stage.Meter()
	result, err := r.load(ctx, length)
	result.CPU, result.Memory = meter.End()
	if err != nil {
		return result, err
	}
	held, err := r.count(ctx)
	if err != nil {
		return result, fmt.Errorf("count what is stored: %w", err)
	}
	if grown := held - r.held; grown != result.Operations {
		return result, fmt.Errorf("%d were acknowledged and %d are stored", result.Operations, grown)
	}
	r.held = held
	return result, nil
}
