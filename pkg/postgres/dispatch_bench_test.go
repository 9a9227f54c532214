package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
)

// acker is a node that acknowledges everything at once.
type acker struct {
	d    *dispatcher.Dispatcher
	sent atomic.Int64
	want int64
	done chan struct{}
}

func (a *acker) Send(d *kapivara.Delivery) error {
	a.d.Settle(d.Subscriber, d.Token, kapivara.Answer{Verdict: kapivara.Ack}, nil)
	if a.sent.Add(1) == a.want {
		close(a.done)
	}
	return nil
}

func (a *acker) Line() int64 { return 0 }

func (a *acker) Echo(_ int64, heard func(bool)) { heard(true) }

func (a *acker) Notify(string, *kapivara.DeliveryRow) {}

// fillDue stores n complete streams of some events, all due to the subscriber, in bulk.
func (f *dispatchFixture) fillDue(n, events int, s kapivara.Subscriber) {
	f.t.Helper()
	f.exec("insert into kapivara.kinds (type, publisher) values ('done', 'clerk') on conflict do nothing")
	f.exec(`insert into kapivara.streams (stream_no, name, version, contiguous, finish, canary, completed)
		select i, 'a/b/c/' || i, $2::integer, $2, $2, false, i * $2::integer from generate_series(1, $1::bigint) i`, n, events)
	f.exec(`insert into kapivara.events (log_position, stream_no, position, kind_no, flags, id, data)
		select (i - 1) * $2::integer + p, i, p, k.kind_no, case when p = $2 then 3 else 2 end,
		       decode('00', 'hex') || convert_to(i || '-' || p, 'UTF8'), convert_to(repeat('x', 200), 'UTF8')
		  from generate_series(1, $1::bigint) i, generate_series(1, $2::integer) p, kapivara.kinds k where k.type = 'done' order by 1`, n, events)
	buckets := make([]int16, n)
	for i := range buckets {
		buckets[i] = int16(kapivara.BucketOf(kapivara.Stream(fmt.Sprintf("a/b/c/%d", i+1)).Hash(), false, s.Buckets, 0))
	}
	f.exec(`insert into kapivara.outbox (due, stream_no, subscriber_no, bucket)
		select i * $2::integer, i, $3, b from unnest($1::smallint[]) with ordinality u(b, i)`, buckets, events, s.No)
	f.exec("analyze kapivara.outbox, kapivara.streams, kapivara.events")
}

func BenchmarkDispatch(b *testing.B) {
	for _, c := range []struct{ streams, buckets, inFlight int }{
		{20_000, 8, 100}, {20_000, 8, 1}, {20_000, 1000, 1}, {200_000, 1, 100},
	} {
		b.Run(fmt.Sprintf("%d streams, %d buckets, %d in flight", c.streams, c.buckets, c.inFlight), func(b *testing.B) {
			for b.Loop() {
				benchDispatch(b, c.streams, c.buckets, c.inFlight)
			}
		})
	}
}

func benchDispatch(b *testing.B, streams, buckets, inFlight int) {
	b.StopTimer()
	f := newDispatchFixture(b)
	s := kapivara.NewSubscriber("billing")
	s.Buckets, s.MaxInFlight = buckets, inFlight
	s.No = f.Subscribe(s)
	f.fillDue(streams, 5, s)
	node := &acker{want: int64(streams), done: make(chan struct{})}
	node.d = dispatcher.New(f.Dispatch, node, dispatcher.Config{}, slog.New(slog.DiscardHandler))
	b.StartTimer()
	begun := time.Now()
	if err := node.d.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	<-node.done
	b.ReportMetric(float64(streams)/time.Since(begun).Seconds(), "deliveries/s")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapInuse)/(1<<20), "MiB")
	b.StopTimer()
	node.d.Stop()
	b.StartTimer()
}
