package writer_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/writer"
)

// backlog plays one answer after another, and the last one for ever.
type backlog struct {
	answers []error // nil: worked; errNothing: nothing to do
	asked   []time.Time
}

var errNothing = errors.New("nothing")

func (b *backlog) Gather(context.Context) (bool, string, error) {
	answer := b.answers[min(len(b.asked), len(b.answers)-1)]
	b.asked = append(b.asked, time.Now())
	switch {
	case errors.Is(answer, errNothing):
		return false, "", nil
	case answer != nil:
		return false, "", answer
	}
	return true, "billing", nil
}

func (b *backlog) Place(context.Context) (bool, string, error) { return false, "", nil }

func TestAGathererGoesOnAfterErrorsAndLooksForWhatOthersLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backlog{answers: []error{errNothing, nil, errors.New("away"), nil, errNothing}}
		finished := 0
		g := writer.NewGatherer(b, func(bool) { finished++ }, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		start := time.Now()
		go func() { g.Run(ctx); close(ended) }()
		<-time.After(4 * time.Second)
		g.Wake()
		synctest.Wait()
		cancel()
		<-ended
		var at []time.Duration
		for _, asked := range b.asked {
			at = append(at, asked.Sub(start))
		}
		// At once; by the poll, twice since there was work; after the pause of an error, twice again; woken.
		want := []time.Duration{0, 2 * time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second, 4 * time.Second}
		if len(at) != len(want) {
			t.Fatalf("asked at %v, want %v", at, want)
		}
		for i := range want {
			if at[i] != want[i] {
				t.Fatalf("asked at %v, want %v", at, want)
			}
		}
		if finished != 2 {
			t.Errorf("told of %d finished backlogs, want 2", finished)
		}
	})
}
