package cells

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
	"kapivara/tests/bench/fill"
	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/site"
)

// readEvents is the length of the streams that are read.
const readEvents = 20

func readCells() []harness.Cell {
	past := &harness.Shared[*library]{Make: func(ctx context.Context, s *harness.Stage) (*library, error) {
		x, err := site.Start(ctx, s, harness.Reader)
		if err != nil {
			return nil, err
		}
		l := &library{Site: x, streams: quickly(s, 20_000, 100)}
		return l, fill.Streams(ctx, x.Owner, int(l.streams), readEvents)
	}}
	return []harness.Cell{
		{Name: ReadStream, Unit: "reads", About: "read.stream of 20 events over NATS, one in flight, one of 20,000 streams", Start: readsOne(past)},
		{Name: ReadLog, About: "the whole log of 400,000 events over NATS by the SDK's Follow", Start: readsLog(past)},
	}
}

// library is a site with a past of so many streams.
type library struct {
	*site.Site
	streams int64
}

// readsOne starts the cell of one read after another.
func readsOne(shared *harness.Shared[*library]) start {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		l, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		return newReader(ctx, s, l.Site, func() int { return 1 + int(rand.Int64N(l.streams)) }) //nolint:gosec // no secret
	}
}

// newReader reads one stream after another, those that pick numbers.
func newReader(ctx context.Context, s *harness.Stage, x *site.Site, pick func() int) (harness.Runner, error) {
	nc, err := x.Connect()
	if err != nil {
		return nil, err
	}
	r := harness.RunnerFunc(func(ctx context.Context, length time.Duration) (result harness.Result, err error) {
		began := time.Now()
		for now := began; now.Sub(began) < length && ctx.Err() == nil; now = time.Now() {
			if err := readStream(nc, fill.Name(pick())); err != nil {
				return result, err
			}
			result.Operations++
			result.Latencies = append(result.Latencies, time.Since(now))
		}
		result.Elapsed = time.Since(began)
		return result, ctx.Err()
	})
	return r, warm(ctx, s, r)
}

// readStream reads a stream and checks that all of its events are there.
func readStream(nc *nats.Conn, stream string) error {
	body, err := json.Marshal(map[string]any{"stream": stream, "limit": readEvents})
	if err != nil {
		return err
	}
	reply, err := nc.Request("kapivara.v1.read.stream.bench", body, time.Minute)
	if err != nil {
		return fmt.Errorf("read %s: %w", stream, err)
	}
	if n := bytes.Count(reply.Data, []byte(`"specversion"`)); n != readEvents || len(reply.Header) > 0 {
		return fmt.Errorf("read %s: %d events, want %d: %.200s", stream, n, readEvents, reply.Data)
	}
	return nil
}

// readsLog starts the cell that follows the log from its beginning to its end, again and again.
func readsLog(shared *harness.Shared[*library]) start {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		l, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		return harness.RunnerFunc(func(ctx context.Context, length time.Duration) (result harness.Result, err error) {
			began := time.Now()
			for time.Since(began) < length {
				n, err := l.follow(ctx, began.Add(length))
				if err != nil {
					return result, err
				}
				result.Operations += n
			}
			result.Elapsed = time.Since(began)
			return result, nil
		}), nil
	}
}

// follow reads the log to its end, or until a time, and checks that each event stands behind the one before.
func (l *library) follow(ctx context.Context, until time.Time) (events int64, err error) {
	for page, err := range l.Client.Follow(ctx, client.LogQuery{Limit: 10_000}) {
		if err != nil {
			return events, fmt.Errorf("follow: %w", err)
		}
		for i := range page.Events {
			events++
			if got := page.Events[i].LogPosition; got != events {
				return events, fmt.Errorf("follow: log position %d after %d", got, events-1)
			}
		}
		if events == l.streams*readEvents || time.Now().After(until) {
			return events, nil
		}
	}
	return events, ctx.Err()
}
