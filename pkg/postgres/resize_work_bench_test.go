package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/pkg/writer"
)

// gapAcker is a node that acknowledges at once, and notes the longest time without a delivery.
type gapAcker struct {
	d             *dispatcher.Dispatcher
	sent          atomic.Int64
	last, longest atomic.Int64
}

func (a *gapAcker) Send(d *kapivara.Delivery) error {
	now := time.Now().UnixNano()
	gap := now - a.last.Swap(now)
	for before := a.longest.Load(); gap > before && !a.longest.CompareAndSwap(before, gap); before = a.longest.Load() {
	}
	a.sent.Add(1)
	go a.d.Settle(d.Subscriber, d.Token, kapivara.Answer{Verdict: kapivara.Ack}, nil)
	return nil
}

func (a *gapAcker) Line() int64 { return 0 }

func (a *gapAcker) Echo(_ int64, heard func(bool)) { heard(true) }

func (a *gapAcker) Notify(string, *kapivara.DeliveryRow) {}

// BenchmarkResizeAtWork is BenchmarkResize with nodes at work: how long it takes, what is delivered meanwhile, and the
// longest time in which nothing is.
func BenchmarkResizeAtWork(b *testing.B) {
	for _, c := range [][2]int{{8, 16}, {64, 1000}} {
		b.Run(fmt.Sprintf("%d to %d buckets", c[0], c[1]), func(b *testing.B) {
			for b.Loop() {
				benchResizeAtWork(b, waitingRows(b), c[0], c[1])
			}
		})
	}
}

func benchResizeAtWork(b *testing.B, rows, from, to int) {
	f := newDispatchFixture(b)
	s := kapivara.NewSubscriber("billing")
	s.Buckets = from
	s.No = f.Subscribe(s)
	f.fillDue(rows, 1, s)
	store := postgres.NewRegistryStore(writerPool(b, f.url), true)
	node := &gapAcker{}
	node.d = dispatcher.New(f.Dispatch, node, dispatcher.Config{}, slog.New(slog.DiscardHandler))
	gatherer := writer.NewGatherer(store, func(registry bool) { node.d.Poke(true, registry) }, slog.New(slog.DiscardHandler))
	registry := writer.NewRegistry(store, func([]byte) error { return nil }, func(int64) { gatherer.Wake() })
	if err := node.d.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	defer node.d.Stop()
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() { gatherer.Run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()
	until(b, func() bool { return node.sent.Load() > 200 })
	before, began := node.sent.Load(), time.Now()
	until(b, func() bool { return time.Since(began) > 2*time.Second })
	b.ReportMetric(float64(node.sent.Load()-before)/time.Since(began).Seconds(), "before/s")

	before, began = node.sent.Load(), time.Now()
	node.longest.Store(0)
	if _, err := registry.Subscribers.Set(b.Context(), "billing", kapivara.SubscriberPatch{Buckets: &to}); err != nil {
		b.Fatal(err)
	}
	node.d.Poke(true, true)
	until(b, func() bool {
		return f.count("select count(*) from kapivara.subscribers where moving_until is not null") == 0
	})
	took := time.Since(began)
	b.ReportMetric(took.Seconds()*1000, "placed-ms")
	b.ReportMetric(float64(node.sent.Load()-before)/took.Seconds(), "deliveries/s")
	b.ReportMetric(float64(node.longest.Load())/1e6, "longest-gap-ms")
	b.ReportMetric(0, "ns/op")
}

// until waits until it is so.
func until(b *testing.B, so func() bool) {
	b.Helper()
	deadline := time.Now().Add(10 * time.Minute)
	for tick := time.NewTicker(5 * time.Millisecond); !so(); <-tick.C {
		if time.Now().After(deadline) {
			b.Fatal("it does not come to pass within 10 minutes")
		}
	}
}

func (f *dispatchFixture) count(sql string) (n int64) {
	f.t.Helper()
	if err := f.owner.QueryRow(f.t.Context(), sql).Scan(&n); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	return n
}
