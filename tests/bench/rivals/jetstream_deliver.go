package rivals

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
)

// As Kapivara's cell has them: 16 buckets of which 64 deliveries each are in flight, at 4 nodes.
const (
	deliverNodes    = 4
	deliverInFlight = 16 * 64
	deliverBacklog  = 100_000
	deliverSynced   = 20_000 // as many with a sync before each answer take minutes, and its rate is the same
	deliverQuick    = 500
	deliverWithin   = 5 * time.Minute
)

// jetStreamDeliver uses JetStream as the bus: bodies are published, then pulled through a consumer that asks for
// acknowledgements, each of which is confirmed (a double ack). A round is the whole of a backlog, however long: what it
// takes to publish counts, as it counts for Kapivara that it notes each delivery before it is sent.
func jetStreamDeliver(sync string, backlog int) func(context.Context, *harness.Stage) (harness.Runner, error) {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		d := &jetStreamDeliveries{stage: s, backlog: backlog}
		if s.Quick {
			d.backlog = deliverQuick
		}
		var err error
		if d.js, err = newJetStream(ctx, s, sync); err != nil {
			return nil, err
		}
		for range deliverNodes {
			conn, err := d.js.connect(s)
			if err != nil {
				return nil, err
			}
			d.nodes = append(d.nodes, conn)
		}
		return harness.RunnerFunc(d.round), nil
	}
}

type jetStreamDeliveries struct {
	stage   *harness.Stage
	js      *jetStream
	nodes   []*nats.Conn
	backlog int
}

func (d *jetStreamDeliveries) round(ctx context.Context, _ time.Duration) (r harness.Result, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, deliverWithin, fmt.Errorf("not all is delivered within %v", deliverWithin))
	defer cancel()
	bus, err := d.js.CreateStream(ctx, jetstream.StreamConfig{Name: "BUS", Subjects: []string{"bus.>"}})
	if err != nil {
		return r, fmt.Errorf("create the stream: %w", err)
	}
	defer func() { err = errors.Join(err, d.js.DeleteStream(context.WithoutCancel(ctx), "BUS")) }()
	consumer, err := bus.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "billing", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: deliverInFlight,
	})
	if err != nil {
		return r, fmt.Errorf("create the consumer: %w", err)
	}
	bodies := make([][]byte, d.backlog)
	for n := range bodies {
		bodies[n] = newDelivery(n + 1)
	}
	meter, began := d.stage.Meter(), time.Now()
	if err := d.publish(ctx, bodies); err != nil {
		return r, err
	}
	if r.Latencies, err = d.drain(ctx, consumer); err != nil {
		return r, err
	}
	r.Operations, r.Elapsed = int64(d.backlog), time.Since(began)
	r.CPU, r.Memory = meter.End()
	info, err := consumer.Info(ctx)
	if err != nil {
		return r, fmt.Errorf("count what is acknowledged: %w", err)
	}
	if floor := info.AckFloor.Stream; floor != uint64(d.backlog) || info.NumAckPending != 0 || info.NumPending != 0 {
		return r, fmt.Errorf("all %d were acknowledged, and the consumer has %d so, %d that wait for it and %d not sent",
			d.backlog, floor, info.NumAckPending, info.NumPending)
	}
	return r, nil
}

// publish makes the backlog, and has every publish acknowledged.
func (d *jetStreamDeliveries) publish(ctx context.Context, bodies [][]byte) error {
	pump := load.Pump{
		Conn: d.js.Conn(), Subject: "bus.billing", InFlight: deliverInFlight,
		Next: func(int, time.Time) []byte {
			if len(bodies) == 0 {
				return nil
			}
			body := bodies[0]
			bodies = bodies[1:]
			return body
		},
		Check: func(_ int, m *nats.Msg) error { _, err := published(m); return err },
	}
	_, err := pump.Run(ctx, deliverWithin)
	return err
}

// drain pulls and acknowledges all of it over the nodes, and gives how long each confirmation took.
func (d *jetStreamDeliveries) drain(ctx context.Context, consumer jetstream.Consumer) ([]time.Duration, error) {
	left := newCountdown(d.backlog)
	for _, conn := range d.nodes {
		stop, err := drainAt(ctx, conn, left)
		if err != nil {
			return nil, err
		}
		defer stop()
	}
	select {
	case <-left.done:
		return left.took, left.err
	case <-ctx.Done():
		info, err := consumer.Info(context.WithoutCancel(ctx))
		if err == nil {
			err = fmt.Errorf("%d wait to be sent, %d to be acknowledged", info.NumPending, info.NumAckPending)
		}
		return nil, errors.Join(context.Cause(ctx), err)
	}
}
