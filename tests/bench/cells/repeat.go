package cells

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
	"kapivara/tests/bench/site"
)

func repeatCells() []harness.Cell {
	log := sharedLog()
	return []harness.Cell{
		{Name: RepeatsLately, About: "repeats alone, 512 requests in flight, 1 event a request, of what was just stored", Start: repeats(log, false)},
		{Name: RepeatsRestart, About: "the same after a restart of the writer", Start: repeats(log, true)},
	}
}

// repeater sends again what was stored.
type repeater struct {
	*site.Site
	stage   *harness.Stage
	nc      *nats.Conn
	most    int64 // appends that are stored first
	restart bool
}

// repeats starts the cell, with the writer restarted between the first time and the second or not.
func repeats(shared *harness.Shared[*site.Site], restart bool) start {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		x, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		nc, err := x.Connect()
		return &repeater{Site: x, stage: s, nc: nc, most: quickly(s, 100_000, 600), restart: restart}, err
	}
}

// Round stores, and then measures for so long, or until all was sent again once.
func (r *repeater) Round(ctx context.Context, length time.Duration) (result harness.Result, err error) {
	requests, err := r.store(ctx)
	if err != nil {
		return result, err
	}
	if r.restart {
		if err := r.Service(ctx, harness.Writer); err != nil {
			return result, err
		}
	}
	before, err := r.Head(ctx)
	if err != nil {
		return result, err
	}
	meter := r.stage.Meter()
	tally, err := r.pump(repeated, func(int, time.Time) []byte {
		if len(requests) == 0 {
			return nil
		}
		next := requests[0]
		requests = requests[1:]
		return next
	}).Run(ctx, length)
	if err != nil {
		return result, err
	}
	result.CPU, result.Memory = meter.End()
	result.Operations, result.Elapsed, result.Latencies = tally.Requests, tally.Elapsed, tally.Latencies
	after, err := r.Head(ctx)
	if err == nil && after != before {
		err = fmt.Errorf("repeats have stored %d events", after-before)
	}
	return result, err
}

// store appends what will be repeated.
func (r *repeater) store(ctx context.Context) (requests [][]byte, err error) {
	writer := load.NewWriter(inFlight, load.Streams{Prefix: "bench/load/order/", Events: 1, Length: 20})
	next := writer.UpTo(r.most)
	_, err = r.pump(load.Stored, func(slot int, now time.Time) []byte {
		body := bytes.Clone(next(slot, now))
		if body != nil {
			requests = append(requests, body)
		}
		return body
	}).Run(ctx, load.Forever)
	return requests, err
}

func (r *repeater) pump(check func(int, *nats.Msg) error, next func(int, time.Time) []byte) *load.Pump {
	return &load.Pump{Conn: r.nc, Subject: appendSubject, InFlight: inFlight, Next: next, Check: check}
}

// repeated checks that an append was recognised as a repeat.
func repeated(_ int, m *nats.Msg) error {
	if len(m.Header) > 0 || !bytes.Contains(m.Data, []byte(`"stored":false`)) {
		return fmt.Errorf("no repeat: %s %s", m.Header.Get("Nats-Service-Error"), m.Data)
	}
	return nil
}

// Stop does nothing: the connection goes with the site.
func (r *repeater) Stop(context.Context) error { return nil }
