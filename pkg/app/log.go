package app

import (
	"context"

	"kapivara/pkg/postgres"
	"kapivara/pkg/writer"
)

// storeLog fits the store's log to the writer's port: the two rooms do not know each other.
type storeLog struct{ *postgres.Log }

var (
	_ writer.Log       = storeLog{}
	_ writer.Exclusive = (*postgres.LockedLog)(nil)
)

// Exclusive hands the locked log on as the writer's port.
func (l storeLog) Exclusive(ctx context.Context, do func(ctx context.Context, tx writer.Exclusive) error) error {
	return l.Log.Exclusive(ctx, func(ctx context.Context, tx *postgres.LockedLog) error { return do(ctx, tx) })
}

// StoreLog is the writer's port on PostgreSQL.
func StoreLog(log *postgres.Log) writer.Log { return storeLog{log} }
