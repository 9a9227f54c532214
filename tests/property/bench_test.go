package property

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"kapivara/pkg/app"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
	"kapivara/tests/kit"
	"kapivara/tests/stores"
)

const benchInFlight = 512

// benchData is a small JSON object, as an application's event has it.
var benchData = []byte(`{"amount":20000,"currency":"EUR","customer":"` + strings.Repeat("c", 80) + `"}`)

// BenchmarkAppend is the append road from the writer's queue to the durable answer: 512 appends in flight, on a new
// stream each. BenchmarkCopy is the floor that PostgreSQL sets it.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) { benchAppend(b, n) })
	}
}

func benchAppend(b *testing.B, events int) {
	log := stores.PostgresLog(b, kit.Postgres(b), true)
	w := writer.New(app.StoreLog(log), log, nil, func(writer.Notice) {}, writer.Config{}, slog.New(slog.DiscardHandler))
	if err := w.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	defer w.Stop()
	if got := <-begin(w, benchRequest(events)); got.err != nil { // registers publisher and type, opens the connections
		b.Fatal(got.err)
	}
	b.ResetTimer()
	cpu := cpuTime(b)
	slots := make(chan struct{}, benchInFlight)
	var failed sync.Once
	for range b.N {
		slots <- struct{}{}
		w.Append("loans", benchRequest(events), func(_ *kapivara.AppendResult, err error) {
			if err != nil {
				failed.Do(func() { b.Error(err) })
			}
			<-slots
		})
	}
	for range benchInFlight {
		slots <- struct{}{}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N*events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/1000/float64(b.N*events), "writer-cpu-µs/event")
}

// cpuTime is what this process has used of the processors, which says more than the clock where others use them too.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchRequest(events int) *kapivara.Append {
	a := &kapivara.Append{Stream: kapivara.Stream("lending/loans/application/" + uuid.NewString())}
	for range events {
		id, _ := uuid.NewV7()
		a.Events = append(a.Events, kapivara.NewEvent{
			ID: kapivara.EventID(id.String()), Type: "opened", Kind: kapivara.JSONData, Data: benchData,
		})
	}
	return a
}

// BenchmarkCopy writes the same events, 1,000 a transaction, straight into the tables by COPY: one row of streams and
// one of events for each event.
func BenchmarkCopy(b *testing.B) {
	const rows = 1000
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, kit.Postgres(b))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	b.ResetTimer()
	events := 0
	for range b.N {
		tx, err := conn.Begin(ctx)
		if err != nil {
			b.Fatal(err)
		}
		streams, log := copyOf(events, rows)
		for _, c := range []struct {
			sql  string
			data []byte
		}{
			{"copy kapivara.streams (stream_no, version, contiguous, canary, name) from stdin with (format binary)", streams},
			{"copy kapivara.events (log_position, stream_no, position, kind_no, flags, id, data) from stdin with (format binary)", log},
		} {
			if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(c.data), c.sql); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(ctx); err != nil {
			b.Fatal(err)
		}
		events += rows
	}
	b.StopTimer()
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// copyOf are rows of streams and events in COPY's binary format.
func copyOf(from, rows int) (streams, events []byte) {
	header := append([]byte("PGCOPY\n\xff\r\n\x00"), make([]byte, 8)...)
	streams, events = bytes.Clone(header), bytes.Clone(header)
	for i := range rows {
		n := uint64(from + i + 1) //nolint:gosec // small
		name := "lending/loans/application/" + uuid.NewString()
		streams = fields(streams, be64(n), be32(1), be32(1), []byte{0}, []byte(name))
		id := make([]byte, 16)
		binary.BigEndian.PutUint64(id, n) // grows, as a UUID of version 7 does
		binary.BigEndian.PutUint64(id[8:], rand.Uint64())
		events = fields(events, be64(n), be64(n), be32(1), be32(1), []byte{0, 2}, id, benchData)
	}
	return append(streams, 0xff, 0xff), append(events, 0xff, 0xff)
}

func fields(dst []byte, values ...[]byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(values))) //nolint:gosec // small
	for _, v := range values {
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(v))), v...) //nolint:gosec // small
	}
	return dst
}

func be64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
func be32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
