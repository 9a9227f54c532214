package memory_test

import (
	"context"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
	"kapivara/pkg/porttest"
	"kapivara/pkg/reader"
)

var _ reader.Events = (*memory.Reader)(nil)

func TestReaderEvents(t *testing.T) {
	t.Parallel()
	porttest.ReaderEvents(t, func(t *testing.T) (reader.Events, porttest.Fill) {
		var recorded time.Time
		now := func() time.Time {
			if recorded.IsZero() {
				return time.Now().UTC()
			}
			return recorded
		}
		log := memory.NewLog(true, now)
		return memory.NewReader(log), func(t *testing.T, events ...kapivara.Event) {
			for i := range events {
				recorded = events[i].Recorded
				storeEvent(t, log, &events[i])
				recorded = time.Time{}
			}
		}
	})
}

// storeEvent stores an event at its position. The registry's owner of an event type is of no account here.
func storeEvent(t *testing.T, log *memory.Log, e *kapivara.Event) {
	t.Helper()
	err := log.Exclusive(t.Context(), func(ctx context.Context, tx *memory.LockedLog) error {
		registry, err := tx.Register(ctx, e.Publisher, true, []string{e.Type})
		if err != nil {
			return err
		}
		tip, _, err := tx.Tip(ctx)
		if err != nil {
			return err
		}
		heads, err := tx.Heads(ctx, []kapivara.Stream{e.Stream}, false)
		if err != nil {
			return err
		}
		batch := &kapivara.Batch{After: tip, Tag: tip.Tag + 1}
		head := heads[e.Stream]
		if head == nil {
			head = &kapivara.Head{No: tip.Streams + 1, Stream: e.Stream}
			batch.New = []*kapivara.Head{head}
		}
		batch.Events = []kapivara.Entry{{
			NewEvent: &e.NewEvent, Stream: head.No, Kind: registry.Types[e.Type].Kind, Position: e.Position, LogPosition: tip.Head + 1,
		}}
		_, err = tx.Write(ctx, batch)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
