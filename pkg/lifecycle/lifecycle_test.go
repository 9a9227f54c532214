package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"kapivara/pkg/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal writes down what its parts are told.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) part(name string, startErr, stopErr error) lifecycle.Part {
	return lifecycle.Part{
		Name:  name,
		Start: func(context.Context) error { j.add("start " + name); return startErr },
		Stop:  func(context.Context) error { j.add("stop " + name); return stopErr },
	}
}

func (j *journal) want(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(j.lines, want) {
		t.Errorf("got %v, want %v", j.lines, want)
	}
}

func TestPartsStartInOrderAndStopInReverse(t *testing.T) {
	t.Parallel()
	j := &journal{}
	g := lifecycle.New(j.part("a", nil, nil), j.part("b", nil, nil))
	for range 2 {
		if err := g.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := g.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	j.want(t, "start a", "start b", "stop b", "stop a")
}

func TestAFailedStartStopsWhatRan(t *testing.T) {
	t.Parallel()
	j, broken := &journal{}, errors.New("broken")
	g := lifecycle.New(j.part("a", nil, nil), j.part("b", broken, nil), j.part("c", nil, nil))
	err := g.Start(t.Context())
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "start b") {
		t.Errorf("got %v, want one that names b", err)
	}
	j.want(t, "start a", "start b", "stop a")
}

func TestStopGoesOnPastErrors(t *testing.T) {
	t.Parallel()
	j, one, two := &journal{}, errors.New("one"), errors.New("two")
	g := lifecycle.New(j.part("a", nil, one), j.part("b", nil, two))
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.Stop(t.Context()); !errors.Is(err, one) || !errors.Is(err, two) {
		t.Errorf("got %v, want both errors", err)
	}
	j.want(t, "start a", "start b", "stop b", "stop a")
}

func TestStopBeforeStartDoesNothing(t *testing.T) {
	t.Parallel()
	j := &journal{}
	if err := lifecycle.New(j.part("a", nil, nil)).Stop(t.Context()); err != nil {
		t.Error(err)
	}
	j.want(t)
}

func TestAnEndedContextStartsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j := &journal{}
	if err := lifecycle.New(j.part("a", nil, nil)).Start(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	j.want(t)
}

func TestWaitNamesThePartThatEndedByItself(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	g := lifecycle.New(lifecycle.Part{Name: "store", Done: func() <-chan struct{} { return done }})
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(done)
	if err := g.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "store") {
		t.Errorf("got %v, want one that names store", err)
	}
	if err := g.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAStoppedPartIsNoFailure(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	g := lifecycle.New(lifecycle.Part{
		Name: "store",
		Stop: func(context.Context) error { close(done); return nil },
		Done: func() <-chan struct{} { return done },
	})
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Wait(ctx); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

// Ten goroutines start and stop one group fifty times each: the parts see starts and stops in turn and in order, and
// none is left running.
func TestStress(t *testing.T) {
	t.Parallel()
	var below, above atomic.Int32
	var wrong atomic.Int32
	step := func(v *atomic.Int32, from, to int32, ok func() bool) func(context.Context) error {
		return func(context.Context) error {
			if !v.CompareAndSwap(from, to) || !ok() {
				wrong.Add(1)
			}
			return nil
		}
	}
	always := func() bool { return true }
	belowRuns := func() bool { return below.Load() == 1 }
	g := lifecycle.New(
		lifecycle.Part{Name: "below", Start: step(&below, 0, 1, always), Stop: step(&below, 1, 0, always)},
		lifecycle.Part{Name: "above", Start: step(&above, 0, 1, belowRuns), Stop: step(&above, 1, 0, belowRuns)},
	)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 50 {
				if err := g.Start(t.Context()); err != nil {
					t.Error(err)
				}
				if err := g.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if below.Load() != 0 || above.Load() != 0 || wrong.Load() != 0 {
		t.Errorf("got below %d, above %d, wrong steps %d; want none", below.Load(), above.Load(), wrong.Load())
	}
}
