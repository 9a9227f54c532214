package rivals

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kapivara/tests/bench/harness"
)

// A rival that does not hold what it acknowledged fails its cell: its figure would be of no store.
func TestARoundThatStoresOtherThanItSaysIsAnError(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]int64{"one is lost": 9, "one is there twice": 11} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stored int64
			r := rounds{stage: &harness.Stage{Ground: &harness.Ground{Quick: true}}}
			r.load = func(context.Context, time.Duration) (harness.Result, error) {
				stored += held
				return harness.Result{Operations: 10, Elapsed: time.Second}, nil
			}
			r.count = func(context.Context) (int64, error) { return stored, nil }
			runner, err := r.start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := runner.Round(t.Context(), time.Second); err == nil || !strings.Contains(err.Error(), "10 were acknowledged") {
				t.Errorf("got %v, want the difference", err)
			}
		})
	}
}

func TestAClosedLoopEndsWithItsFirstError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var done atomic.Int64
	_, err := closedLoop(t.Context(), 4, time.Hour, func(context.Context, int) error {
		if done.Add(1) == 100 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestAClosedLoopCountsWhatWasDone(t *testing.T) {
	t.Parallel()
	var done atomic.Int64
	r, err := closedLoop(t.Context(), 4, 10*time.Millisecond, func(context.Context, int) error { done.Add(1); return nil })
	if err != nil || r.Operations != done.Load() || int64(len(r.Latencies)) != done.Load() || done.Load() == 0 {
		t.Errorf("%d are counted with %d times, %d were done: %v", r.Operations, len(r.Latencies), done.Load(), err)
	}
}
