package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"kapivara/pkg/kapivara"
)

// While a stream grows, each page and its head are of one moment; and a follower of the log, filtered or not, sees each
// event once and in order.
func TestReadsAreOfOneMomentWhileOthersWrite(t *testing.T) {
	t.Parallel()
	store, f := newReadFixture(t)
	const n = 150
	event := func(i int) kapivara.Event {
		e := kapivara.Event{Stream: "a/b/c/1", Publisher: "p"}
		// A new kind every few events: a filter must not pass over an event of a kind it has not seen.
		e.ID, e.Type, e.Position = kapivara.EventID(fmt.Sprint(i)), fmt.Sprintf("kind.%d", i/5), i
		return e
	}
	f.fill(t, event(1))
	written := make(chan struct{})
	go func() {
		defer close(written)
		for i := 2; i <= n; i++ {
			f.fill(t, event(i))
		}
	}()
	plain := kapivara.LogQuery{Limit: 7, Bytes: 1 << 20}
	filtered := plain
	filtered.Types = kapivara.Filter{"kind.*"}
	for done := false; !done; {
		select {
		case <-written:
			done = true
		default:
		}
		page, err := store.Stream(t.Context(), streamFrom(1))
		if err != nil {
			t.Fatal(err)
		}
		if last := page.Events[len(page.Events)-1].Position; page.Version != last || page.Contiguous != last {
			t.Fatalf("a page up to %d has a head of version %d, contiguous %d", last, page.Version, page.Contiguous)
		}
		follow(t, store, &plain, done)
		follow(t, store, &filtered, done)
	}
	if plain.After != n || filtered.After != n {
		t.Errorf("the followers came to %d and %d, want %d", plain.After, filtered.After, n)
	}
}

func streamFrom(position int) kapivara.StreamQuery {
	return kapivara.StreamQuery{Stream: "a/b/c/1", From: position, Limit: 1000, Bytes: 1 << 20}
}

type logReader interface {
	Log(ctx context.Context, q kapivara.LogQuery) (kapivara.LogPage, error)
}

// follow reads one page, or all that is left, and holds it to be the next events.
func follow(t *testing.T, store logReader, q *kapivara.LogQuery, toTheEnd bool) {
	t.Helper()
	for more := true; more; more = toTheEnd && more {
		page, err := store.Log(t.Context(), *q)
		if err != nil {
			t.Fatal(err)
		}
		next := q.After
		for _, e := range page.Events {
			if next++; e.LogPosition != next {
				t.Fatalf("log position %d comes where %d is next", e.LogPosition, next)
			}
		}
		if page.Next != next {
			t.Fatalf("the page looked up to %d, but gave events up to %d", page.Next, next)
		}
		q.After, more = next, page.More()
	}
}
