package writer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
	"kapivara/pkg/writer"
	"kapivara/tests/stores"
)

type manyAnswer struct {
	*kapivara.AppendManyResult
	err error
}

func beginMany(w *writer.Writer, m *kapivara.AppendMany) <-chan manyAnswer {
	c := make(chan manyAnswer, 1)
	w.AppendMany("loans", m, func(r *kapivara.AppendManyResult, err error) { c <- manyAnswer{r, err} })
	return c
}

func (d *desk) sendMany(t *testing.T, m *kapivara.AppendMany) manyAnswer {
	t.Helper()
	select {
	case got := <-beginMany(d.Writer, m):
		return got
	case <-time.After(30 * time.Second):
		t.Fatal("no answer within 30 s")
		return manyAnswer{}
	}
}

func togetherOf(appends ...*kapivara.Append) *kapivara.AppendMany {
	m := &kapivara.AppendMany{}
	for _, a := range appends {
		m.Appends = append(m.Appends, *a)
	}
	return m
}

func whereOf(m *kapivara.AppendMany, stream string, e kapivara.Expect) *kapivara.AppendMany {
	m.Conditions = append(m.Conditions, kapivara.Condition{Stream: appendOf(stream).Stream, Expect: e})
	return m
}

// A request for several streams shares a batch with appends.
func TestAppendManyGoesTheFastRoad(t *testing.T) {
	t.Parallel()
	d := newDesk(t, writer.Config{}).started(t)
	defer d.Stop()
	before := len(d.log.batches())
	got := d.sendMany(t, whereOf(togetherOf(appendOf("A", "a1", "a2"), appendOf("B", "b")), "C", kapivara.ExpectNew()))
	if got.err != nil || len(got.Appends) != 2 || got.Appends[1].Events[0].LogPosition != 4 {
		t.Fatalf("got %+v", got)
	}
	if batches := d.log.batches()[before:]; len(batches) != 1 || batches[0] != 3 {
		t.Errorf("batches of %v events, want one of 3", batches)
	}
	d.Stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.notices[len(d.notices)-1]; len(n.Events) != 3 || n.Events[2].Stream != appendOf("B").Stream || n.Head != 4 {
		t.Errorf("told of %+v", n)
	}
}

// A condition whose stream another writer begins while the batch is on its way is decided again: the batch was written on
// no end of the log but its own. The known wrong way is to judge conditions by what was read before.
func TestAConditionIsDecidedAgainWhenTheLogHasMoved(t *testing.T) {
	t.Parallel()
	d := newDesk(t, writer.Config{}).started(t)
	defer d.Stop()
	if got := d.sendMany(t, whereOf(togetherOf(appendOf("A", "a")), "C", kapivara.ExpectNew())); got.err != nil {
		t.Fatal(got.err) // from now on it remembers that C is new
	}
	other := writer.New(d.log.MemoryLog, d.log, nil, func(writer.Notice) {}, writer.Config{}, slog.New(slog.DiscardHandler))
	if err := other.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	stored := make(chan error, 1)
	other.Append("loans", appendOf("C", "c"), func(_ *kapivara.AppendResult, err error) { stored <- err })
	if err := <-stored; err != nil {
		t.Fatal(err)
	}
	got := d.sendMany(t, whereOf(togetherOf(appendOf("B", "b")), "C", kapivara.ExpectNew()))
	var refusal *kapivara.Error
	if !errors.As(got.err, &refusal) || refusal.Code != kapivara.WrongVersion || len(refusal.Facts.Violations) != 1 || refusal.Facts.Violations[0].Actual != 1 {
		t.Fatalf("got %+v, want wrong_version with actual 1", got)
	}
	if got := d.sendMany(t, whereOf(togetherOf(appendOf("B", "b")), "C", kapivara.ExpectVersion(1))); got.err != nil {
		t.Fatal(got.err)
	}
}

// countedLog counts how often the log's lock is taken for a transaction of its own.
type countedLog struct {
	*playedLog
	locked atomic.Int32
}

func (l *countedLog) Exclusive(ctx context.Context, do func(ctx context.Context, tx writer.Exclusive) error) error {
	l.locked.Add(1)
	return l.playedLog.Exclusive(ctx, do)
}

// Conditions alone change nothing: neither a batch nor the log's lock is taken for them, whether they hold or not.
func TestConditionsAloneTakeNoLock(t *testing.T) {
	t.Parallel()
	log := &countedLog{playedLog: newPlayedLog()}
	w := writer.New(log, log, nil, func(writer.Notice) {}, writer.Config{}, slog.New(slog.DiscardHandler))
	d := (&desk{Writer: w, log: log.playedLog}).started(t)
	defer d.Stop()
	batches, locked := len(d.log.batches()), log.locked.Load()
	if got := d.sendMany(t, whereOf(togetherOf(), "warm", kapivara.ExpectVersion(1))); got.err != nil || len(got.Appends) != 0 {
		t.Errorf("got %+v", got)
	}
	if got := d.sendMany(t, whereOf(togetherOf(), "warm", kapivara.ExpectNew())); kapivara.CodeOf(got.err) != kapivara.WrongVersion {
		t.Errorf("got %+v, want wrong_version", got)
	}
	if n, l := len(d.log.batches())-batches, log.locked.Load()-locked; n+int(l) != 0 {
		t.Errorf("%d batches and %d transactions under the lock, want none", n, l)
	}
}

// However little it remembers, a writer decides requests of many streams right: a head must last until its batch has landed.
func TestASmallMemoryTakesManyStreams(t *testing.T) {
	t.Parallel()
	d := newDesk(t, writer.Config{BatchEvents: 8, Streams: 1, IDs: 1}).started(t)
	defer d.Stop()
	const streams, rounds = 120, 4
	for round := range rounds {
		var answers []<-chan manyAnswer
		for half := range 2 {
			m := &kapivara.AppendMany{}
			for s := range streams {
				if s%2 == half {
					a := appendOf(fmt.Sprint("S", s), fmt.Sprintf("%d-%d", s, round))
					a.Expect = kapivara.ExpectVersion(round)
					m.Appends = append(m.Appends, *a)
				} else {
					whereOf(m, fmt.Sprint("never", s), kapivara.ExpectNew())
				}
			}
			answers = append(answers, beginMany(d.Writer, m))
		}
		for i, c := range answers {
			got := <-c
			if got.err != nil {
				t.Fatalf("round %d, request %d: %v", round, i, got.err)
			}
			for _, r := range got.Appends {
				if r.Version != round+1 {
					t.Fatalf("round %d, request %d: %+v", round, i, r)
				}
			}
		}
	}
	if log := d.log.Events(); len(log) != 1+streams*rounds {
		t.Errorf("the log has %d events, want %d", len(log), 1+streams*rounds)
	}
}

// I-03: after a commit of unknown outcome the same request again tells, whichever way it went.
func TestAppendManyAfterAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{true, false} {
		d := newDesk(t, writer.Config{}).started(t)
		d.log.before = lost
		d.log.failing(1, kapivara.Refuse(kapivara.OutcomeUnknown, "lost"))
		m := whereOf(togetherOf(appendOf("A", "a"), appendOf("B", "b")), "A", kapivara.ExpectNew())
		if got := d.sendMany(t, m); kapivara.CodeOf(got.err) != kapivara.OutcomeUnknown {
			t.Fatalf("lost %v: got %+v", lost, got)
		}
		got := d.sendMany(t, m)
		if got.err != nil {
			t.Fatalf("lost %v: %v", lost, got.err)
		}
		for _, r := range got.Appends {
			if r.Events[0].Stored != lost {
				t.Errorf("lost %v: %+v", lost, r)
			}
		}
		if log := d.log.Events(); len(log) != 3 {
			t.Errorf("lost %v: the log has %d events, want 3", lost, len(log))
		}
		d.Stop()
	}
}

// The schemas of all appends are judged outside of the log's lock, as those of one append are.
func TestAppendManyIsHeldAgainstSchemasOutsideOfTheLock(t *testing.T) {
	t.Parallel()
	log := memory.NewLog(true, time.Now)
	w := writer.New(stores.MemoryLog{Log: log}, log, func(et *kapivara.EventType, _ kapivara.DataKind, data []byte) error {
		if _, _, err := log.Tip(context.Background()); err != nil { // takes the lock
			return err
		}
		if string(data) == string(et.Schema) {
			return &kapivara.Error{Code: kapivara.SchemaViolation, Message: "bad", Facts: kapivara.Facts{Path: "data"}}
		}
		return nil
	}, func(writer.Notice) {}, writer.Config{}, slog.New(slog.DiscardHandler))
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	d := &desk{Writer: w}
	if got := d.sendMany(t, togetherOf(appendOf("A", "a"))); got.err != nil {
		t.Fatal(got.err)
	}
	schema := []byte(`"b"`)
	registry := writer.NewRegistry(log.Registry, func([]byte) error { return nil }, nil)
	if _, err := registry.EventTypes.Set(t.Context(), kapivara.TypeKey{Publisher: "loans", Type: "opened"}, kapivara.EventTypePatch{Schema: &schema}); err != nil {
		t.Fatal(err)
	}
	got := d.sendMany(t, togetherOf(appendOf("A", "x"), appendOf("B", "y", "b")))
	var refusal *kapivara.Error
	if !errors.As(got.err, &refusal) || refusal.Code != kapivara.SchemaViolation || refusal.Facts.Path != "appends[1].events[1].data" {
		t.Errorf("got %+v", got)
	}
}
