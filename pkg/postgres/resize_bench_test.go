package postgres_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/pkg/writer"
)

// waitingRows is how much waits in benchmarks of what waits: $KAPIVARA_BACKLOG, or 20000.
func waitingRows(b *testing.B) int {
	b.Helper()
	text := os.Getenv("KAPIVARA_BACKLOG")
	if text == "" {
		return 20_000
	}
	rows, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return rows
}

// BenchmarkResize measures how long a subscriber for which much waits takes to be placed by other numbers of buckets, by
// one writer and with nobody at work; and the longest page, for which turns that lease to it wait.
//
//	KAPIVARA_BACKLOG=1000000 go test ./pkg/postgres -run '^$' -bench Resize -benchtime 1x -timeout 30m
func BenchmarkResize(b *testing.B) {
	rows := waitingRows(b)
	f := newDispatchFixture(b)
	s := kapivara.NewSubscriber("billing")
	s.Buckets = 4
	s.No = f.Subscribe(s)
	f.fillDue(rows, 1, s)
	store := postgres.NewRegistryStore(writerPool(b, f.url), true)
	registry := writer.NewRegistry(store, func([]byte) error { return nil }, func(int64) {})
	var longest time.Duration
	for b.Loop() {
		for _, buckets := range []int{16, 3, 8, 4} {
			began := time.Now()
			if _, err := registry.Subscribers.Set(b.Context(), "billing", kapivara.SubscriberPatch{Buckets: &buckets}); err != nil {
				b.Fatal(err)
			}
			longest = max(longest, placeAll(b, store))
			b.ReportMetric(time.Since(began).Seconds()*1000, fmt.Sprintf("to-%d-ms", buckets))
			f.holds(buckets, rows)
		}
	}
	b.ReportMetric(longest.Seconds()*1000, "longest-page-ms")
	b.ReportMetric(0, "ns/op")
}

// placeAll places what waits to its end, and gives how long the longest page took.
func placeAll(b *testing.B, store *postgres.RegistryStore) (longest time.Duration) {
	b.Helper()
	for {
		began := time.Now()
		_, finished, err := store.Place(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		longest = max(longest, time.Since(began))
		if finished != "" {
			return longest
		}
	}
}

// holds checks that all that waits is spread over so many buckets.
func (f *dispatchFixture) holds(buckets, rows int) {
	f.t.Helper()
	var got [2]int
	err := f.owner.QueryRow(f.t.Context(), `select count(*), count(distinct bucket) from kapivara.outbox`).Scan(&got[0], &got[1])
	if err != nil || got != [2]int{rows, buckets} {
		f.t.Fatalf("%d wait in %d buckets, want %d in %d; %v", got[0], got[1], rows, buckets, err)
	}
}
