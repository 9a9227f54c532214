// Package fill puts a past into a store faster than any client could, by statements as the store's owner, in the form in
// which the writer would have left it.
package fill

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"kapivara/tests/bench/load"
)

//go:embed streams.sql
var streamsSQL string

//go:embed events.sql
var eventsSQL string

// Prefix begins the names of the streams; their number follows, from 1.
const Prefix = "bench/past/order/"

// chunk is how many events go into one transaction, at most.
const chunk = 250_000

// Past is a store that is being filled. It was empty.
type Past struct {
	conn    *pgx.Conn
	streams int
	events  int
}

// New begins to fill an empty store.
func New(ctx context.Context, conn *pgx.Conn) (*Past, error) {
	if _, err := conn.Exec(ctx, "insert into kapivara.kinds (type, publisher) values ('order.changed', 'bench')"); err != nil {
		return nil, fmt.Errorf("fill: kinds: %w", err)
	}
	return &Past{conn: conn}, nil
}

// Add adds so many complete streams of so many events each. Their numbers follow those before.
func (p *Past) Add(ctx context.Context, streams, events int, data []byte) error {
	for left := streams; left > 0; {
		n := min(left, max(1, chunk/events))
		left -= n
		err := pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, streamsSQL, p.streams, n, p.events, events, Prefix); err != nil {
				return fmt.Errorf("streams: %w", err)
			}
			if _, err := tx.Exec(ctx, eventsSQL, p.streams, p.events, n*events, events, data); err != nil {
				return fmt.Errorf("events: %w", err)
			}
			_, err := tx.Exec(ctx, "update kapivara.log set streams = $1", p.streams+n)
			return err
		})
		if err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		p.streams, p.events = p.streams+n, p.events+n*events
	}
	return nil
}

// End has PostgreSQL vacuum and analyse what it holds.
func (p *Past) End(ctx context.Context) error {
	if _, err := p.conn.Exec(ctx, "vacuum analyze"); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	return nil
}

// Streams fills an empty store with complete streams of so many events each.
func Streams(ctx context.Context, conn *pgx.Conn, streams, events int) error {
	p, err := New(ctx, conn)
	if err == nil {
		err = p.Add(ctx, streams, events, load.Data())
	}
	if err == nil {
		err = p.End(ctx)
	}
	return err
}

// Name is the name of a filled stream.
func Name(n int) string { return fmt.Sprintf("%s%d", Prefix, n) }
