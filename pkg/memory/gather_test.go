package memory_test

import (
	"context"
	"testing"
	"time"

	"kapivara/pkg/memory"
	"kapivara/pkg/porttest"
	"kapivara/pkg/writer"
)

// portLog fits the log to the writer's port.
type portLog struct{ *memory.Log }

func (l portLog) Exclusive(ctx context.Context, do func(context.Context, writer.Exclusive) error) error {
	return l.Log.Exclusive(ctx, func(ctx context.Context, tx *memory.LockedLog) error { return do(ctx, tx) })
}

func TestBacklog(t *testing.T) {
	t.Parallel()
	porttest.Backlog(t, func(*testing.T) porttest.BacklogStore {
		log := memory.NewLog(true, time.Now)
		return porttest.BacklogStore{Log: portLog{log}, Lookup: log, Registry: log.Registry, Backlog: log, Due: log.Due}
	})
}
