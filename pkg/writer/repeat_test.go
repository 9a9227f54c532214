package writer_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

// heldLookup answers what is known only once it is let go.
type heldLookup struct {
	*playedLog
	asked atomic.Int32
	let   chan struct{}
}

func (l *heldLookup) Known(ctx context.Context, appends []*kapivara.Append) ([]kapivara.Known, int64, error) {
	l.asked.Add(1)
	<-l.let
	return l.playedLog.Known(ctx, appends)
}

// I-05, I-22: a flood of repeats asks the store in two groups at a time, and what comes meanwhile makes the next one; each is
// answered with its place.
func TestRepeatsAreLookedUpInGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newPlayedLog()
		lookup := &heldLookup{playedLog: log, let: make(chan struct{})}
		d := &desk{log: log, Writer: writer.New(log, lookup, nil, func(writer.Notice) {}, writer.Config{}, slog.New(slog.DiscardHandler))}
		d.started(t)
		defer d.Stop()
		const many = 20
		again := func(n int) *kapivara.Append { return appendOf(fmt.Sprint(n), fmt.Sprint("id", n)) }
		for n := range many {
			if got := d.send(again(n)); got.err != nil {
				t.Fatal(got.err)
			}
		}
		var answers []<-chan answer
		for n := range many {
			answers = append(answers, d.begin(again(n)))
			synctest.Wait()
		}
		if asked := lookup.asked.Load(); asked != 2 {
			t.Errorf("%d groups of repeats were looked up at once, want 2", asked)
		}
		close(lookup.let)
		for n, a := range answers {
			if got := <-a; got.err != nil || got.Events[0].Stored || got.Events[0].Position != 1 {
				t.Errorf("repeat %d: %+v, %v; want its place and nothing stored", n, got.AppendResult, got.err)
			}
		}
		if asked := lookup.asked.Load(); asked != 3 {
			t.Errorf("%d repeats were looked up in %d groups, want 3", many, asked)
		}
	})
}
