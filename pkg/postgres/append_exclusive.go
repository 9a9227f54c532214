package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"kapivara/pkg/kapivara"
)

// LockedLog is the log within a transaction that holds its lock.
type LockedLog struct {
	tx  pgx.Tx
	tip kapivara.Tip
	log *Log
}

// Exclusive runs do under the log's lock and commits when it returns nil; see writer.Log.
func (l *Log) Exclusive(ctx context.Context, do func(ctx context.Context, tx *LockedLog) error) error {
	return l.pool.inTx(ctx, func(tx pgx.Tx) error {
		locked := &LockedLog{tx: tx, log: l}
		t := &locked.tip
		err := tx.QueryRow(ctx, "select head, streams, registry, tag from kapivara.lock_log()").
			Scan(&t.Head, &t.Streams, &t.Registry, &t.Tag)
		if err != nil {
			return fmt.Errorf("lock the log: %w", err)
		}
		return do(ctx, locked)
	})
}

// inTx runs do in a transaction. The statements are bounded by ctx; the commit is not: it is never cancelled, but its
// connection is dropped when it takes too long, and the outcome is then unknown.
func (p *Pool) inTx(ctx context.Context, do func(tx pgx.Tx) error) error {
	conn, err := p.Acquire(ctx)
	if err != nil {
		return translate(fmt.Errorf("connect: %w", err), false)
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return translate(fmt.Errorf("begin: %w", err), false)
	}
	if err := do(tx); err != nil {
		rollback(ctx, tx)
		return translate(err, false)
	}
	return commit(ctx, conn, tx)
}

func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = tx.Rollback(ctx) // where it fails the connection is closed, which rolls back as well
}

func commit(ctx context.Context, conn *pgxpool.Conn, tx pgx.Tx) error {
	beforeCommit(conn.Conn())
	network := conn.Conn().PgConn().Conn()
	drop := time.AfterFunc(time.Until(commitDeadline(ctx)), func() { _ = network.Close() })
	defer drop.Stop()
	err := tx.Commit(context.WithoutCancel(ctx))
	switch {
	case err == nil && warnedSince(conn.Conn()):
		return outcomeUnknown()
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrTxCommitRollback) || sqlState(err) != "" && !outOfReach(err):
		return fmt.Errorf("commit: %w", err)
	default:
		return outcomeUnknown()
	}
}

// Tip is the log's end under the lock, and the registry, as they were before the transaction; it is asked for first.
func (t *LockedLog) Tip(ctx context.Context) (kapivara.Tip, *kapivara.Registry, error) {
	if last := t.log.registry.Load(); last != nil && last.Version == t.tip.Registry {
		return t.tip, last, nil
	}
	registry, err := LoadRegistry(ctx, t.tx, t.log.open)
	if err != nil {
		return kapivara.Tip{}, nil, err
	}
	t.log.registry.Store(registry)
	return t.tip, registry, nil
}

// Heads reads stream heads; see writer.Lookup.
func (t *LockedLog) Heads(ctx context.Context, streams []kapivara.Stream, types bool) (map[kapivara.Stream]*kapivara.Head, error) {
	return lookupHeads(ctx, t.tx, streams, types)
}

// Known reads what is stored under ids and at positions; see writer.Lookup.
func (t *LockedLog) Known(ctx context.Context, appends []*kapivara.Append) ([]kapivara.Known, int64, error) {
	return lookupKnown(ctx, t.tx, appends)
}

// Register sets what an open registry does not know yet, and gives the registry with it.
func (t *LockedLog) Register(ctx context.Context, publisher string, newPublisher bool, types []string) (*kapivara.Registry, error) {
	if err := registerUnknown(ctx, t.tx, publisher, newPublisher, types, t.tip.Head); err != nil {
		return nil, err
	}
	return LoadRegistry(ctx, t.tx, t.log.open)
}

// Write stores a batch within the transaction, in the same order as Begin does.
func (t *LockedLog) Write(ctx context.Context, b *kapivara.Batch) (time.Time, error) {
	var recorded time.Time
	err := t.tx.QueryRow(ctx, sqlAppendTake, b.After.Head, b.After.Tag, b.After.Registry, b.Tag, len(b.New)).Scan(&recorded)
	if err != nil {
		return time.Time{}, fmt.Errorf("write: %w", err)
	}
	for _, c := range [...]struct {
		rows int
		sql  string
		data func(copyRows) copyRows
	}{
		{len(b.New), sqlAppendStreams, func(c copyRows) copyRows { return c.streams(b.New) }},
		{len(b.Events), sqlAppendEvents, func(c copyRows) copyRows { return c.events(b.Events) }},
		{len(b.Due), sqlAppendOutbox, func(c copyRows) copyRows { return c.outbox(b.Due) }},
	} {
		if c.rows == 0 {
			continue
		}
		if err := copyIn(ctx, t.tx.Conn(), c.sql, c.data(nil)); err != nil {
			return time.Time{}, fmt.Errorf("write: %w", err)
		}
	}
	if len(b.Grown) > 0 {
		if err := writeGrown(ctx, t.tx, b.Grown); err != nil {
			return time.Time{}, fmt.Errorf("write: %w", err)
		}
	}
	return recorded.UTC(), nil
}
