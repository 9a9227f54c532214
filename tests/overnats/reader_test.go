package overnats_test

import (
	"context"
	"fmt"
	"testing"

	"kapivara/pkg/client"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/porttest"
	"kapivara/pkg/reader"
	"kapivara/tests/kit"
	"kapivara/tests/stores"
)

func TestReader(t *testing.T) {
	t.Parallel()
	porttest.ReaderAnswers(t, func(t *testing.T) (reader.Events, porttest.Fill) {
		url := kit.Postgres(t)
		filler := stores.NewFiller(t, url)
		fill := func(t *testing.T, events ...kapivara.Event) { filler.Fill(t, events...) }
		return remoteEvents{remoteReader(t, url)}, fill
	})
}

// remoteEvents asks a read service by the SDK. The weight of a page is the service's own.
type remoteEvents struct{ client *client.Client }

func stored(events []client.Event) []kapivara.Event {
	for i := range events {
		events[i] = asStored(events[i])
	}
	return events
}

// Event reads an event.
func (r remoteEvents) Event(ctx context.Context, id kapivara.EventID) (kapivara.Event, error) {
	e, err := r.client.Event(ctx, "", id)
	return asStored(e), err
}

// Stream reads a page of a stream. What was read before is a cursor, to which only a page leads: one with an event alone.
func (r remoteEvents) Stream(ctx context.Context, q kapivara.StreamQuery) (kapivara.StreamPage, error) {
	ask := client.StreamQuery{
		Stream: q.Stream, From: q.From, To: q.To, Limit: 1, Backward: q.Backward, Since: q.Since, Until: q.Until,
	}
	for at := 0; at != q.After; {
		page, err := r.client.Stream(ctx, ask)
		if err != nil || len(page.Events) != 1 || page.Next == "" {
			return kapivara.StreamPage{}, fmt.Errorf("on the way to %d, behind %d: %+v, %w", q.After, at, page, err)
		}
		at, ask.Cursor = page.Events[0].Position, page.Next
	}
	ask.Limit = q.Limit
	page, err := r.client.Stream(ctx, ask)
	if err != nil {
		return kapivara.StreamPage{}, err
	}
	return kapivara.StreamPage{
		StreamState: coreState(&page.State),
		EventPage:   kapivara.EventPage{Events: stored(page.Events), More: page.Next != ""},
	}, nil
}

func coreState(s *client.StreamState) kapivara.StreamState {
	return kapivara.StreamState{
		Stream: s.Stream, Version: s.Version, Contiguous: s.Contiguous, Finish: s.Finish, Canary: s.Canary,
		Missing: s.Missing, LastRecorded: s.LastRecorded,
	}
}

// Log reads a page of the log.
func (r remoteEvents) Log(ctx context.Context, q kapivara.LogQuery) (kapivara.LogPage, error) {
	page, err := r.client.Log(ctx, client.LogQuery{
		Context: q.Context, After: q.After, Limit: q.Limit, Backward: q.Backward,
		Types: q.Types, Streams: q.Streams, Publishers: q.Publishers, Since: q.Since, Until: q.Until,
	})
	if err != nil {
		return kapivara.LogPage{}, err
	}
	p := kapivara.LogPage{Events: stored(page.Events), Backward: q.Backward, Head: page.Head, Next: page.Next}
	if p.More() != page.More {
		return p, fmt.Errorf("more is %v, head %d and next %d say %v", page.More, p.Head, p.Next, p.More())
	}
	return p, nil
}

// Streams lists streams. The cursor stands where the core has the last stream looked at.
func (r remoteEvents) Streams(ctx context.Context, q kapivara.StreamsQuery) (kapivara.StreamsPage, error) {
	page, err := r.client.Streams(ctx, client.StreamsQuery{
		Context: q.Context, Prefix: q.Prefix, State: string(q.State), Idle: q.Idle, Holes: q.Holes, Limit: q.Limit,
		Cursor: string(q.After),
	})
	return kapivara.StreamsPage{Streams: each(page.Streams, coreState), Next: kapivara.Stream(page.Next)}, err
}
