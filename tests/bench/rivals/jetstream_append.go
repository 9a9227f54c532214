package rivals

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
)

// jetStreamInFlight is how many publishes wait for their acknowledgement at a time.
const jetStreamInFlight = 512

// jetStreamAppend uses JetStream as an event store: a subject for each stream of events, and each event with the last
// sequence that its subject must have, by which JetStream refuses one of two that race. The load is made as Kapivara's:
// the async publish of nats.go takes more of the two processors from the server.
func jetStreamAppend(sync string) func(context.Context, *harness.Stage) (harness.Runner, error) {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		js, err := newJetStream(ctx, s, sync)
		if err != nil {
			return nil, err
		}
		store, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
		if err != nil {
			return nil, fmt.Errorf("create the stream: %w", err)
		}
		a := &jetStreamAppends{conn: js.Conn(), store: store, streams: make([]stream, jetStreamInFlight)}
		r := rounds{stage: s, load: a.load, count: a.count}
		return r.start(ctx)
	}
}

type jetStreamAppends struct {
	conn    *nats.Conn
	store   jetstream.Stream
	streams []stream // of each slot
}

// load is that of Kapivara's cells. What a slot publishes next has the sequence that it was answered last.
func (a *jetStreamAppends) load(ctx context.Context, length time.Duration) (harness.Result, error) {
	pump := load.Pump{
		Conn: a.conn, InFlight: len(a.streams), Send: a.send, Check: a.acknowledged,
		Next: func(int, time.Time) []byte { _, body := newEvent(); return body },
	}
	tally, err := pump.Run(ctx, length)
	return harness.Result{Operations: tally.Requests, Elapsed: tally.Elapsed, Latencies: tally.Latencies}, err
}

func (a *jetStreamAppends) send(slot int, reply string, body []byte) error {
	s := a.streams[slot].next()
	return a.conn.PublishMsg(&nats.Msg{
		Subject: "events.order." + s.id, Reply: reply, Data: body,
		Header: nats.Header{jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(s.last, 10)}},
	})
}

func (a *jetStreamAppends) acknowledged(slot int, m *nats.Msg) error {
	sequence, err := published(m)
	s := &a.streams[slot]
	s.version, s.last = s.version+1, sequence
	return err
}

func (a *jetStreamAppends) count(ctx context.Context) (int64, error) {
	info, err := a.store.Info(ctx)
	if err != nil {
		return 0, err
	}
	return int64(info.State.Msgs), nil //nolint:gosec // fits
}
