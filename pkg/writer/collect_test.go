package writer_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/writer"
)

// heavyAppend is an append of one event with so many bytes of data.
func heavyAppend(id string, size int) *kapivara.Append {
	a := appendOf("S"+id, id)
	a.Events[0].Kind, a.Events[0].Data = kapivara.BinaryData, bytes.Repeat([]byte("x"), size)
	return a
}

// I-22: however few events they have, large appends do not make a batch that takes longer than those who wait for it do.
func TestABatchIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	warm := newDesk(t, writer.Config{}).started(t)
	warm.Stop()
	before := len(warm.log.batches())
	d := newDesk(t, writer.Config{})
	d.log = warm.log
	d.Writer = writer.New(d.log, d.log, nil, func(writer.Notice) {}, writer.Config{BatchBytes: 2000}, nil)
	var waiting []<-chan answer
	for i := range 7 {
		waiting = append(waiting, d.begin(heavyAppend(fmt.Sprint(i), 1000)))
	}
	waiting = append(waiting, d.begin(heavyAppend("alone", 10_000))) // larger than a batch: it goes all the same
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, c := range waiting {
		if got := <-c; got.err != nil {
			t.Errorf("append %d: %v", i, got.err)
		}
	}
	d.Stop()
	events := 0
	for i, n := range d.log.batches()[before:] {
		if events += n; n > 2 {
			t.Errorf("batch %d has %d events of 1000 bytes, want 2 at most", i, n)
		}
	}
	if events != len(waiting) {
		t.Errorf("the batches have %d events, want %d", events, len(waiting))
	}
}

// I-22: what has waited too long is turned away unseen, and nothing of it is stored; nobody waits for it any more.
func TestAnAppendWhoseTurnComesTooLateIsBusy(t *testing.T) {
	t.Parallel()
	d := newDesk(t, writer.Config{Waits: time.Nanosecond})
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := d.send(appendOf("S", "a"))
	if kapivara.CodeOf(got.err) != kapivara.Busy {
		t.Errorf("got %+v, want busy", got)
	}
	d.Stop()
	if tip, _, err := d.log.Tip(t.Context()); err != nil || tip.Head != 0 {
		t.Errorf("the log ends at %d, %v; want nothing stored", tip.Head, err)
	}
}
