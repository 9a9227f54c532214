package writer_test

import (
	"log/slog"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
	"kapivara/pkg/writer"
	"kapivara/tests/stores"
)

// TestDataAreHeldAgainstASchemaOutsideOfTheLock sets a schema behind the writer's back, so that each road meets a registry
// that it does not know: the schema is obeyed, and judged while others may have the lock.
func TestDataAreHeldAgainstASchemaOutsideOfTheLock(t *testing.T) {
	t.Parallel()
	log := memory.NewLog(true, time.Now)
	violation := kapivara.Refuse(kapivara.SchemaViolation, "bad")
	w := writer.New(stores.MemoryLog{Log: log}, log, func(et *kapivara.EventType, _ kapivara.DataKind, data []byte) error {
		if _, _, err := log.Tip(t.Context()); err != nil { // takes the lock
			return err
		}
		if string(data) == string(et.Schema) {
			return violation
		}
		return nil
	}, func(writer.Notice) {}, writer.Config{}, slog.New(slog.DiscardHandler))
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	registry := writer.NewRegistry(log.Registry, func([]byte) error { return nil }, nil)
	send := func(id, data string, expect kapivara.Expect) kapivara.Code {
		answer := make(chan error, 1)
		w.Append("p", &kapivara.Append{Stream: "a/b/c/d", Expect: expect, Events: []kapivara.NewEvent{
			{ID: kapivara.EventID(id), Type: "t", Kind: kapivara.JSONData, Data: []byte(data)},
		}}, func(_ *kapivara.AppendResult, err error) { answer <- err })
		select {
		case err := <-answer:
			return kapivara.CodeOf(err)
		case <-time.After(30 * time.Second):
			t.Fatal("no answer: the schema was judged under the log's lock")
			return ""
		}
	}
	if got := send("1", `1`, kapivara.ExpectAny()); got != "" {
		t.Fatalf("got %s, want the event stored", got)
	}
	for i, schema := range []string{`11`, `12`, `13`} {
		patch := kapivara.EventTypePatch{Schema: &[]byte{}}
		*patch.Schema = []byte(schema)
		if _, err := registry.EventTypes.Set(t.Context(), kapivara.TypeKey{Publisher: "p", Type: "t"}, patch); err != nil {
			t.Fatal(err)
		}
		if got := send(schema, schema, kapivara.ExpectVersion(7)); got != kapivara.WrongVersion {
			t.Errorf("a wrong version with data that violate schema %d: got %q, want wrong_version", i, got)
		}
		if got := send(schema, schema, kapivara.ExpectAny()); got != kapivara.SchemaViolation {
			t.Errorf("data that violate schema %d: got %q, want schema_violation", i, got)
		}
	}
}
