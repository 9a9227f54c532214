package cells

import (
	"context"
	"fmt"
	"math/rand/v2"

	"kapivara/tests/bench/fill"
	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
	"kapivara/tests/bench/site"
)

// sizeCells ask the same of a small store and of one twenty times as large.
func sizeCells() []harness.Cell {
	small, large := sized(100_000, 200), sized(2_000_000, 4000)
	cells := func(of string, shared *harness.Shared[*shelves], names ...string) []harness.Cell {
		x := &harness.Shared[*site.Site]{Make: func(ctx context.Context, s *harness.Stage) (*site.Site, error) {
			l, err := shared.Take(ctx, s)
			if err != nil {
				return nil, err
			}
			return l.Site, nil
		}}
		streams := load.Streams{Prefix: "bench/load/order/", Events: 1, Length: 20}
		return []harness.Cell{
			{Name: names[0], About: "one append in flight, " + of, Start: appends(x, 1, streams)},
			{Name: names[1], Unit: "reads", About: "read.stream of 20 events, one in flight, " + of, Start: readsShelf(shared)},
			{Name: names[2], Unit: "deliveries", About: "200 streams/s to a handler, " + of, Start: deliveries(x, "sized")},
		}
	}
	return append(cells("0.5 million events of 100,000 streams", small, SmallAppend, SmallRead, SmallDelivery),
		cells("10 million events of 2 million streams", large, LargeAppend, LargeRead, LargeDelivery)...)
}

// A store is filled in lots, each of which ends with some streams of 20 events to be read.
const lots, lotReads = 10, 100

// shelves is a site with a past of streams of 5 events, and among them some of 20.
type shelves struct {
	*site.Site
	reads []int // the streams of 20
}

// sized is a site with so many streams of 5 events.
func sized(streams, quick int64) *harness.Shared[*shelves] {
	return &harness.Shared[*shelves]{Make: func(ctx context.Context, s *harness.Stage) (*shelves, error) {
		x, err := site.Start(ctx, s, harness.Writer, harness.Reader, harness.Dispatcher)
		if err != nil {
			return nil, err
		}
		l, lot := &shelves{Site: x}, int(quickly(s, streams, quick))/lots
		past, err := fill.New(ctx, x.Owner)
		for i := range lots {
			if err == nil {
				if !s.Quick {
					s.Say("filling a store, lot %d of %d with %d events", i+1, lots, lot*5)
				}
				err = past.Add(ctx, lot, 5, load.Data())
			}
			if err == nil {
				err = past.Add(ctx, lotReads, readEvents, load.Data())
			}
			for n := range lotReads {
				l.reads = append(l.reads, i*(lot+lotReads)+lot+n+1)
			}
		}
		if err == nil {
			err = past.End(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("a store of %d streams: %w", streams, err)
		}
		return l, nil
	}}
}

// readsShelf starts the cell that reads streams of 20 from all over the log.
func readsShelf(shared *harness.Shared[*shelves]) start {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		l, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		return newReader(ctx, s, l.Site, func() int { return l.reads[rand.IntN(len(l.reads))] }) //nolint:gosec // no secret
	}
}
