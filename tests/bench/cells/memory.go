package cells

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
	"kapivara/tests/bench/fill"
	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
	"kapivara/tests/bench/site"
)

func memoryCells() []harness.Cell {
	return []harness.Cell{
		{Name: MemoryBuckets, Unit: "deliveries", About: "committed while 1,000,000 wait for 16 subscribers of 625 buckets: the dispatcher's memory", Start: startCrowd},
		{Name: MemoryReader, Unit: "reads", About: "read.stream of pages of 900 kB, 64 in flight: the reader's memory", Start: startLargeReads},
	}
}

// crowd is a dispatcher with very many buckets.
type crowd struct {
	stage     *harness.Stage
	audiences []*backlog
}

// startCrowd registers 16 subscribers; the last part of a stream's name begins with a hexadecimal digit, which says whose
// it is.
func startCrowd(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
	x, err := site.Start(ctx, s, harness.Writer, harness.Dispatcher)
	if err != nil {
		return nil, err
	}
	c := &crowd{stage: s}
	buckets := int(quickly(s, 625, 10))
	for i := range 16 {
		a, err := subscribe(ctx, x, "crowd-"+strconv.FormatInt(int64(i), 16), load.NewCounts(nil), client.SubscriberPatch{Buckets: &buckets})
		if err != nil {
			return nil, err
		}
		c.audiences = append(c.audiences, &backlog{audience: a, stage: s, pending: quickly(s, 1_000_000, 320) / 16, nodes: 1})
	}
	return c, nil
}

// Round delivers for so long to all of them, of a million that wait as it begins.
func (c *crowd) Round(ctx context.Context, length time.Duration) (result harness.Result, err error) {
	for _, a := range c.audiences {
		if err := a.prepare(ctx); err != nil {
			return result, err
		}
	}
	meter, began := c.stage.Meter(), time.Now()
	before := c.confirmed()
	for _, a := range c.audiences {
		if err := a.listen(1); err != nil {
			return result, err
		}
	}
	for _, a := range c.audiences {
		if err := a.counts.Await(ctx, a.appended-a.pending+1); err != nil {
			return result, fmt.Errorf("%s: %w", a.name, err)
		}
	}
	select {
	case <-time.After(length - time.Since(began)):
	case <-ctx.Done():
		return result, ctx.Err()
	}
	result.Operations, result.Elapsed = c.confirmed()-before, time.Since(began)
	result.CPU, result.Memory = meter.End()
	for _, a := range c.audiences {
		if err := a.leave(ctx); err != nil {
			return result, err
		}
	}
	return result, nil
}

func (c *crowd) confirmed() (sum int64) {
	for _, a := range c.audiences {
		sum += a.counts.Confirmed()
	}
	return sum
}

// Stop does nothing: the nodes leave with each round.
func (c *crowd) Stop(context.Context) error { return nil }

// startLargeReads starts the cell of large pages.
func startLargeReads(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
	const streams, events, least = 64, 64, 700_000
	x, err := site.Start(ctx, s, harness.Reader)
	if err != nil {
		return nil, err
	}
	past, err := fill.New(ctx, x.Owner)
	if err == nil {
		err = past.Add(ctx, streams, events, []byte(`"`+strings.Repeat("x", 16<<10)+`"`))
	}
	if err != nil {
		return nil, err
	}
	nc, err := x.Connect()
	if err != nil {
		return nil, err
	}
	pump := load.Pump{
		Conn: nc, Subject: "kapivara.v1.read.stream.bench", InFlight: int(quickly(s, 64, 8)),
		Next: func(slot int, _ time.Time) []byte {
			return fmt.Appendf(nil, `{"stream":%q,"limit":1000}`, fill.Name(slot+1))
		},
		Check: func(_ int, m *nats.Msg) error {
			if len(m.Header) > 0 || len(m.Data) < least {
				return fmt.Errorf("a page of %d bytes: %.200s", len(m.Data), m.Data)
			}
			return nil
		},
	}
	return harness.RunnerFunc(func(ctx context.Context, length time.Duration) (harness.Result, error) {
		tally, err := pump.Run(ctx, length)
		return harness.Result{Operations: tally.Requests, Elapsed: tally.Elapsed, Latencies: tally.Latencies}, err
	}), nil
}
