package writer_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

// hungStore is a store that has stopped to answer: what it can't be made to do in every detail at the right moment.
type hungStore struct {
	tips int
	lost bool // the connection of the batches
}

func (s *hungStore) hang(ctx context.Context) error {
	<-ctx.Done()
	return kapivara.Refuse(kapivara.Unavailable, "hung")
}

// Tip answers once, before the store hangs.
func (s *hungStore) Tip(ctx context.Context) (kapivara.Tip, *kapivara.Registry, error) {
	if s.tips++; s.tips > 1 {
		return kapivara.Tip{}, nil, s.hang(ctx)
	}
	return kapivara.Tip{Registry: 1}, &kapivara.Registry{
		Version: 1, Publishers: map[string]*kapivara.Publisher{"p": {Name: "p", Streams: kapivara.Any()}},
		Types: map[string]*kapivara.EventType{"t": {Kind: 1, Type: "t", Publisher: "p"}},
	}, nil
}

func (s *hungStore) Begin(context.Context, *kapivara.Batch) func() (time.Time, error) {
	return func() (time.Time, error) {
		if !s.lost {
			time.Sleep(3500 * time.Millisecond) // of the bubble's clock: the bound of a commit
			s.lost = true
		}
		return time.Time{}, kapivara.Refuse(kapivara.OutcomeUnknown, "hung")
	}
}

func (s *hungStore) Exclusive(ctx context.Context, _ func(context.Context, writer.Exclusive) error) error {
	return s.hang(ctx)
}

func (s *hungStore) Heads(context.Context, []kapivara.Stream, bool) (map[kapivara.Stream]*kapivara.Head, error) {
	return nil, nil
}

func (s *hungStore) Known(ctx context.Context, _ []*kapivara.Append) ([]kapivara.Known, int64, error) {
	return nil, 0, s.hang(ctx)
}

// TestAHungStoreLeavesNobodyWithoutAnAnswer is I-26: within 4 s, and outcome_unknown only for what was on its way.
func TestAHungStoreLeavesNobodyWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &hungStore{}
		w := writer.New(store, store, nil, func(writer.Notice) {}, writer.Config{}, slog.New(slog.DiscardHandler))
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		answers := map[kapivara.Code]int{}
		const appends = 200
		for i := range appends {
			begun := time.Now()
			id := kapivara.EventID(fmt.Sprint("e", i/2)) // each is sent twice
			a := &kapivara.Append{
				Stream: kapivara.Stream(fmt.Sprint("a/b/c/", i/2)), Events: []kapivara.NewEvent{{ID: id, Type: "t"}},
			}
			w.Append("p", a, func(_ *kapivara.AppendResult, err error) {
				mu.Lock()
				defer mu.Unlock()
				answers[kapivara.CodeOf(err)]++
				if took := time.Since(begun); took > 4*time.Second {
					t.Errorf("append %d was answered %v after %v, want at most 4s", i, err, took)
				}
			})
			time.Sleep(70 * time.Millisecond)
		}
		w.Stop()
		if answers[kapivara.Unavailable]+answers[kapivara.OutcomeUnknown] != appends || answers[kapivara.OutcomeUnknown] == 0 {
			t.Errorf("got %v, want %d unavailable or outcome_unknown", answers, appends)
		}
	})
}
