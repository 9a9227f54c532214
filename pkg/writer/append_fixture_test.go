package writer_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
	"kapivara/pkg/writer"
	"kapivara/tests/stores"
)

// playedLog is the log in memory, whose batches can be held or made to fail.
type playedLog struct {
	stores.MemoryLog
	mu     sync.Mutex
	begun  []int // events of each batch
	fail   func(batch int) error
	before bool          // the failure keeps the batch from being written
	hold   chan struct{} // where it is set, a batch lands by one message
}

func newPlayedLog() *playedLog {
	return &playedLog{MemoryLog: stores.MemoryLog{Log: memory.NewLog(true, time.Now)}}
}

func (l *playedLog) Begin(ctx context.Context, b *kapivara.Batch) func() (time.Time, error) {
	l.mu.Lock()
	n := len(l.begun)
	l.begun = append(l.begun, len(b.Events))
	var failure error
	if l.fail != nil {
		failure = l.fail(n)
	}
	wait := func() (time.Time, error) { return time.Time{}, failure }
	if failure == nil || !l.before {
		stored := l.Log.Begin(ctx, b)
		if failure == nil {
			wait = stored
		}
	}
	hold := l.hold
	l.mu.Unlock()
	return func() (time.Time, error) {
		if hold != nil {
			<-hold
		}
		return wait()
	}
}

func (l *playedLog) batches() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]int(nil), l.begun...)
}

// failing has the first n batches fail.
func (l *playedLog) failing(n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := len(l.begun)
	l.fail = func(batch int) error {
		if batch < from+n {
			return err
		}
		return nil
	}
}

type answer struct {
	*kapivara.AppendResult
	err error
}

// desk is a writer under test.
type desk struct {
	*writer.Writer
	log     *playedLog
	mu      sync.Mutex
	notices []writer.Notice
}

func newDesk(t *testing.T, config writer.Config) *desk {
	t.Helper()
	d := &desk{log: newPlayedLog()}
	d.Writer = writer.New(d.log, d.log, nil, func(n writer.Notice) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.notices = append(d.notices, n)
	}, config, slog.New(slog.DiscardHandler))
	return d
}

// started starts the desk and has it learn the publisher and the type, so that what follows goes the fast road.
func (d *desk) started(t *testing.T) *desk {
	t.Helper()
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.send(appendOf("warm", "warm")); got.err != nil {
		t.Fatal(got.err)
	}
	return d
}

func (d *desk) begin(a *kapivara.Append) <-chan answer {
	c := make(chan answer, 1)
	d.Append("loans", a, func(r *kapivara.AppendResult, err error) { c <- answer{r, err} })
	return c
}

func (d *desk) send(a *kapivara.Append) answer { return <-d.begin(a) }

func appendOf(stream string, ids ...string) *kapivara.Append {
	a := &kapivara.Append{Stream: kapivara.Stream("lending/loans/application/" + stream)}
	for _, id := range ids {
		a.Events = append(a.Events, kapivara.NewEvent{
			ID: kapivara.EventID(id), Type: "opened", Kind: kapivara.JSONData, Data: fmt.Appendf(nil, "%q", id),
		})
	}
	return a
}
