package reader

import (
	"context"
	"time"

	"kapivara/pkg/kapivara"
)

// Event reads an event. One of another context ("" = all) is not found, as if it were not there.
func (r *Reader) Event(ctx context.Context, readable string, id kapivara.EventID) (kapivara.Event, error) {
	e, err := ask(ctx, r, "event", func(ctx context.Context) (kapivara.Event, error) { return r.store.Event(ctx, id) })
	if err == nil && readable != "" && e.Stream.Context() != readable {
		return kapivara.Event{}, kapivara.Refuse(kapivara.NotFound, "no event has this id")
	}
	return e, err
}

// Stream reads a page of a stream.
func (r *Reader) Stream(ctx context.Context, q kapivara.StreamQuery) (kapivara.StreamPage, error) {
	if err := q.Check(); err != nil {
		return kapivara.StreamPage{}, err
	}
	q.Bytes = r.config.PageBytes
	return ask(ctx, r, "stream", func(ctx context.Context) (kapivara.StreamPage, error) { return r.store.Stream(ctx, q) })
}

// Streams lists streams.
func (r *Reader) Streams(ctx context.Context, q kapivara.StreamsQuery) (kapivara.StreamsPage, error) {
	if err := q.Check(); err != nil {
		return kapivara.StreamsPage{}, err
	}
	until := time.Now().Add(r.config.LookFor)
	var found kapivara.StreamsPage
	for {
		page, err := ask(ctx, r, "streams", func(ctx context.Context) (kapivara.StreamsPage, error) { return r.store.Streams(ctx, q) })
		if err != nil {
			return found, err
		}
		found.Streams, found.Next = append(found.Streams, page.Streams...), page.Next
		q.Limit -= len(page.Streams)
		q.After = page.Next
		if page.Next == "" || q.Limit == 0 || time.Now().After(until) {
			return found, nil
		}
	}
}

// Explain says where a stream stands with a subscriber, or with all where the name is "".
func (r *Reader) Explain(ctx context.Context, s kapivara.Stream, subscriber string) (kapivara.Explanation, error) {
	facts, err := ask(ctx, r, "explain", func(ctx context.Context) (kapivara.StreamFacts, error) {
		return r.store.Facts(ctx, s, subscriber)
	})
	if err != nil {
		return kapivara.Explanation{}, err
	}
	return Explain(&facts), nil
}
