// Package stores opens the stores on which the conformance suites and the property tests of appends run.
package stores

import (
	"context"
	"testing"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
	"kapivara/pkg/porttest"
	"kapivara/pkg/writer"
)

// MemoryLog is the writer's port on the store in memory.
type MemoryLog struct{ *memory.Log }

// Exclusive hands the locked log on as the writer's port.
func (l MemoryLog) Exclusive(ctx context.Context, do func(ctx context.Context, tx writer.Exclusive) error) error {
	return l.Log.Exclusive(ctx, func(ctx context.Context, tx *memory.LockedLog) error { return do(ctx, tx) })
}

// Memory makes an empty store in memory, whose registry is open or strict.
func Memory(_ testing.TB, open bool) porttest.AppendStore {
	log := memory.NewLog(open, time.Now)
	return porttest.AppendStore{
		Connect:  func(testing.TB) (writer.Log, writer.Lookup) { return MemoryLog{log}, log },
		Registry: log.Registry,
		Events:   func(testing.TB) []kapivara.Event { return log.Events() },
		Due:      func(testing.TB) []kapivara.Due { return log.Due() },
	}
}
