package backlog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/app"
	"kapivara/pkg/client"
	"kapivara/pkg/lifecycle"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// BenchmarkBacklog measures a bucket in which much waits: how long read.subscriber, read.bucket and explain take, what
// memory the dispatcher takes, and how soon the first delivery is there once a node comes. KAPIVARA_BACKLOG is how much
// waits, 20000 by default:
//
//	KAPIVARA_BACKLOG=1000000 go -C tests/bench test ./backlog -run '^$' -bench Backlog -benchtime 1x -timeout 30m
func BenchmarkBacklog(b *testing.B) {
	waiting := 20_000
	if text := os.Getenv("KAPIVARA_BACKLOG"); text != "" {
		var err error
		if waiting, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	x := newBacklog(b, waiting)
	for range b.N {
		x.measure(b)
	}
}

// backlog is a bus of whose subscriber "billing" has one bucket in which so much waits.
type backlog struct {
	*client.Client
	pg, nats   string
	waiting    int
	dispatcher *os.Process
}

func newBacklog(b *testing.B, waiting int) *backlog {
	x := &backlog{pg: kit.Postgres(b), nats: kit.NATS(b), waiting: waiting}
	config := app.Config{
		NATS: app.NATSConfig{URL: x.nats}, PGURL: x.pg, PGConns: 4, OpenRegistry: true, Limits: wire.DefaultLimits(), Version: "0.0.1",
	}
	for _, s := range []func() (*lifecycle.Group, error){
		func() (*lifecycle.Group, error) { return app.Apart(config, app.Writer, kit.Logger(b)) },
		func() (*lifecycle.Group, error) { return app.Apart(config, app.Reader, kit.Logger(b)) },
	} {
		group, err := s()
		if err == nil {
			err = group.Start(context.Background())
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = group.Stop(context.Background()) })
	}
	var err error
	if x.Client, err = client.Connect(x.nats, client.WithTimeout(time.Minute)); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(x.Close)
	one := 1
	if _, err := x.SetSubscriber(b.Context(), "billing", client.SubscriberPatch{Buckets: &one}); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	x.fill(b)
	b.Logf("%d streams made in %v", waiting, time.Since(began).Round(time.Second))
	x.dispatcher = spawn(b, program(b, "dispatcher"), "KAPIVARA_NATS_URL="+x.nats, "KAPIVARA_PG_URL="+x.pg)
	return x
}

// fill makes complete streams of one event, each due to the subscriber.
func (x *backlog) fill(b *testing.B) {
	b.Helper()
	ctx := b.Context()
	conn, err := pgx.Connect(ctx, x.pg)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, sql := range []string{
		`insert into kapivara.kinds (type, publisher) values ('order.paid', 'shop') on conflict do nothing`,
		`insert into kapivara.streams (stream_no, completed, version, contiguous, finish, canary, name)
		 select n, n, 1, 1, 1, false, 'bench/backlog/order/' || n from generate_series(1, $1::bigint) n`,
		`insert into kapivara.events (log_position, stream_no, position, kind_no, flags, id, data)
		 select n, n, 1, 1, 3, decode(md5(n::text), 'hex'), '{"n": 1}' from generate_series(1, $1::bigint) n`,
		`insert into kapivara.outbox (due, stream_no, subscriber_no, bucket)
		 select n, n, 1, 0 from generate_series(1, $1::bigint) n`,
		`update kapivara.log set streams = $1`,
	} {
		var args []any
		if strings.Contains(sql, "$1") {
			args = []any{x.waiting}
		}
		if _, err := conn.Exec(ctx, sql, args...); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
	}
	if os.Getenv("KAPIVARA_VACUUM") == "" {
		return
	}
	if _, err := conn.Exec(ctx, "vacuum analyze"); err != nil {
		b.Fatal(err)
	}
}

func (x *backlog) measure(b *testing.B) {
	ctx := b.Context()
	middle := client.Stream(fmt.Sprintf("bench/backlog/order/%d", x.waiting/2))
	for name, ask := range map[string]func() error{
		"subscriber": func() error {
			state, err := x.SubscriberState(ctx, "billing", client.SubscriberQuery{Limit: 1})
			if err == nil && state.Buckets[0].Lag < int64(x.waiting-20) {
				err = fmt.Errorf("%d wait, want %d", state.Buckets[0].Lag, x.waiting)
			}
			return err
		},
		"bucket": func() error {
			_, err := x.Bucket(ctx, "billing", client.BucketQuery{Bucket: "0", Limit: 100})
			return err
		},
		"explain": func() error {
			_, err := x.Explain(ctx, middle, "")
			return err
		},
	} {
		b.ReportMetric(median(b, 25, timed(ask)), name+"-ms")
	}
	b.ReportMetric(median(b, 7, func() (time.Duration, error) { return x.first(ctx) }), "first-delivery-ms")
	b.ReportMetric(peak(b, x.dispatcher), "dispatcher-MiB")
	b.ReportMetric(0, "ns/op")
}

// first is until a node that comes at any moment has its first delivery.
func (x *backlog) first(ctx context.Context) (time.Duration, error) {
	select { // until the dispatcher has seen that nobody is there, and tries once a second
	case <-ctx.Done():
	case <-time.After(3*time.Second + rand.N(time.Second)):
	}
	got := make(chan struct{}, 1)
	began := time.Now()
	sub, err := x.Subscribe("billing", func(context.Context, *client.Delivery) error {
		select {
		case got <- struct{}{}:
		default:
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	select {
	case <-got:
	case <-time.After(time.Minute):
		return 0, errors.New("no delivery within a minute")
	}
	took := time.Since(began)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return took, sub.Stop(stop)
}

// timed measures a call.
func timed(call func() error) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		began := time.Now()
		err := call()
		return time.Since(began), err
	}
}

// median is that of so many measurements, in milliseconds; the first one warms up and does not count.
func median(b *testing.B, times int, measure func() (time.Duration, error)) float64 {
	b.Helper()
	took := make([]time.Duration, times+1)
	for i := range took {
		var err error
		if took[i], err = measure(); err != nil {
			b.Fatal(err)
		}
	}
	took = took[1:]
	slices.Sort(took)
	return took[times/2].Seconds() * 1000
}

// peak is the most memory that the process has had, in MiB.
func peak(b *testing.B, p *os.Process) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid))
	if err != nil {
		b.Skipf("memory is measured on Linux only: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		var kib float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kib); err == nil {
			return kib / 1024
		}
	}
	b.Fatal("the process tells no VmHWM")
	return 0
}
