package cells

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/client"
	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
	"kapivara/tests/bench/site"
)

// pace is the time between two streams: 200 a second.
const pace = 5 * time.Millisecond

// courier appends streams of one final event at a pace, and takes the time until each is with the handler.
type courier struct {
	*audience
	nc     *nats.Conn
	writer *load.Writer
	sub    *nats.Subscription // of the appends' answers

	mu   sync.Mutex
	sent map[string]time.Time // streams on their way
	took []time.Duration
	err  error
}

// newCourier registers a subscriber with its defaults and listens.
func newCourier(ctx context.Context, x *site.Site, name string) (*courier, error) {
	c := &courier{sent: map[string]time.Time{}}
	var err error
	if c.audience, err = subscribe(ctx, x, name, load.NewCounts(c.arrived), client.SubscriberPatch{}); err != nil {
		return nil, err
	}
	c.writer = load.NewWriter(1, load.Streams{Prefix: c.prefix(), Events: 1, Length: 1})
	if c.nc, err = x.Connect(); err != nil {
		return nil, err
	}
	if c.sub, err = c.nc.Subscribe(nats.NewInbox(), c.answered); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return c, c.listen(1)
}

// send appends one stream.
func (c *courier) send() error {
	now := time.Now()
	body := c.writer.Next(0, now)
	c.mu.Lock()
	c.sent[c.writer.Name(0)] = now
	c.mu.Unlock()
	if err := c.nc.PublishRequest(appendSubject, c.sub.Subject, body); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// arrived is the handler of a delivery.
func (c *courier) arrived(stream string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent, ok := c.sent[stream]
	if !ok {
		c.err = fmt.Errorf("%s came and was not on its way", stream)
		return
	}
	delete(c.sent, stream)
	c.took = append(c.took, now.Sub(sent))
}

func (c *courier) answered(m *nats.Msg) {
	if err := load.Stored(0, m); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.err = err
	}
}

// collect waits until all streams are delivered and committed, and gives the times of all since the last call.
func (c *courier) collect(ctx context.Context) ([]time.Duration, error) {
	if err := c.counts.Await(ctx, c.writer.Finished); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	took := c.took
	c.took = nil
	return took, c.err
}

// Round sends streams at the pace.
func (c *courier) Round(ctx context.Context, length time.Duration) (harness.Result, error) {
	began := time.Now()
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for time.Since(began) < length {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return harness.Result{}, ctx.Err()
		}
		if err := c.send(); err != nil {
			return harness.Result{}, err
		}
	}
	took, err := c.collect(ctx)
	return harness.Result{Operations: int64(len(took)), Elapsed: time.Since(began), Latencies: took}, err
}

// Stop leaves.
func (c *courier) Stop(ctx context.Context) error { return c.leave(ctx) }

// deliveries starts the cell of streams at a pace.
func deliveries(shared *harness.Shared[*site.Site], name string) start {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		x, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		c, err := newCourier(ctx, x, name)
		if err != nil {
			return nil, err
		}
		return c, warm(ctx, s, c)
	}
}

// stillness is a courier that waits before it sends one stream.
type stillness struct {
	*courier
	wait time.Duration
}

// quiet starts the cell of one stream after a time in which nothing was asked.
func quiet(shared *harness.Shared[*site.Site]) start {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		x, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		c, err := newCourier(ctx, x, "quiet")
		if err != nil {
			return nil, err
		}
		return stillness{c, time.Duration(quickly(s, int64(time.Minute), int64(100*time.Millisecond)))}, warm(ctx, s, c)
	}
}

// Round waits and sends one stream. Its length is its own.
func (q stillness) Round(ctx context.Context, _ time.Duration) (harness.Result, error) {
	select {
	case <-time.After(q.wait):
	case <-ctx.Done():
		return harness.Result{}, ctx.Err()
	}
	began := time.Now()
	if err := q.send(); err != nil {
		return harness.Result{}, err
	}
	took, err := q.collect(ctx)
	return harness.Result{Operations: int64(len(took)), Elapsed: time.Since(began), Latencies: took}, err
}
