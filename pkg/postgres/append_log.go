package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// Log is the writer's log: batches on a connection of their own, look-ups and the exclusive road on the pool.
type Log struct {
	pool   *Pool
	config *pgx.ConnConfig
	open   bool // the registry
	// registry is the last one read that was durable: what a transaction of ours adds may never be.
	registry atomic.Pointer[kapivara.Registry]

	mu     sync.Mutex // of conn, between the sender and Close
	conn   *appendConn
	flying atomic.Int32 // batches sent and not yet received
	closed bool
}

// NewLog makes the log over the writer's pool. An open registry takes what it does not know yet.
func NewLog(pool *Pool, openRegistry bool) *Log {
	return &Log{pool: pool, config: pool.Config().ConnConfig.Copy(), open: openRegistry}
}

// Close drops the connection of the batches. None is on its way.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.conn != nil {
		l.conn.close()
		l.conn = nil
	}
}

// Begin sends a batch off as one transaction and gives the wait for its outcome; see writer.Log.
func (l *Log) Begin(ctx context.Context, b *kapivara.Batch) func() (time.Time, error) {
	deadline := commitDeadline(ctx)
	conn, err := l.connection(ctx)
	if err == nil {
		err = conn.send(b, deadline)
	}
	if err != nil {
		l.drop(conn)
		refusal := translate(err, false)
		if kapivara.CodeOf(refusal) == "" {
			refusal = fmt.Errorf("append: begin: %w", err)
		}
		return func() (time.Time, error) { return time.Time{}, refusal }
	}
	l.flying.Add(1)
	return func() (time.Time, error) {
		defer l.flying.Add(-1)
		recorded, err := conn.receive(deadline)
		if errors.Is(err, errUnknown) {
			l.drop(conn)
		}
		return recorded, appendError(err)
	}
}

// appendError says what the outcome of a batch means.
func appendError(err error) error {
	switch state := sqlState(err); {
	case err == nil:
		return nil
	case errors.Is(err, errUnknown):
		return outcomeUnknown()
	case state == stateMoved:
		return kapivara.ErrMoved
	case state == stateUnique:
		return kapivara.ErrTaken
	default:
		return translate(fmt.Errorf("append: %w", err), false)
	}
}

// connection gives the connection of the batches, a new one where there is none or the old one has ended.
func (l *Log) connection(ctx context.Context) (*appendConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.New("the log is closed")
	}
	if l.conn != nil && l.flying.Load() == 0 && !l.conn.quiet() {
		l.conn.close()
		l.conn = nil
	}
	if l.conn != nil {
		return l.conn, nil
	}
	conn, err := dialAppend(ctx, l.config.Copy(), l.pool.role)
	if err != nil {
		return nil, err
	}
	l.conn = conn
	return conn, nil
}

// drop ends a connection that is of no further use.
func (l *Log) drop(conn *appendConn) {
	if conn == nil {
		return
	}
	conn.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == conn {
		l.conn = nil
	}
}

// Tip reads the log's end and the registry of its version.
func (l *Log) Tip(ctx context.Context) (kapivara.Tip, *kapivara.Registry, error) {
	tip, err := readTip(ctx, l.pool)
	if err != nil {
		return kapivara.Tip{}, nil, err
	}
	if last := l.registry.Load(); last != nil && last.Version == tip.Registry {
		return tip, last, nil
	}
	var registry *kapivara.Registry
	moment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, l.pool, moment, func(tx pgx.Tx) (err error) {
		if tip, err = readTip(ctx, tx); err != nil {
			return err
		}
		registry, err = LoadRegistry(ctx, tx, l.open)
		return err
	})
	if err != nil {
		return kapivara.Tip{}, nil, translate(fmt.Errorf("read the registry: %w", err), false)
	}
	l.registry.Store(registry)
	return tip, registry, nil
}

func readTip(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) (kapivara.Tip, error) {
	var tip kapivara.Tip
	err := q.QueryRow(ctx, "select head, streams, registry, tag from kapivara.log").
		Scan(&tip.Head, &tip.Streams, &tip.Registry, &tip.Tag)
	if err != nil {
		return kapivara.Tip{}, translate(fmt.Errorf("read the log's end: %w", err), false)
	}
	return tip, nil
}

// Heads reads stream heads; see writer.Lookup.
func (l *Log) Heads(ctx context.Context, streams []kapivara.Stream, types bool) (map[kapivara.Stream]*kapivara.Head, error) {
	return lookupHeads(ctx, l.pool, streams, types)
}

// Known reads what is stored under ids and at positions; see writer.Lookup.
func (l *Log) Known(ctx context.Context, appends []*kapivara.Append) ([]kapivara.Known, int64, error) {
	return lookupKnown(ctx, l.pool, appends)
}
