package floors

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/tests/bench/fill"
	"kapivara/tests/bench/harness"
)

// pastEvents is the length of the streams of the past.
const pastEvents = 20

// past is a log of a number of streams.
type past struct {
	conn    *pgx.Conn
	streams int
}

// sharedPast is a log of 400,000 events.
func sharedPast() *harness.Shared[*past] {
	return &harness.Shared[*past]{Make: func(ctx context.Context, s *harness.Stage) (*past, error) {
		conn, err := migrated(ctx, s)
		if err != nil {
			return nil, err
		}
		p := &past{conn: conn, streams: 20_000}
		if s.Quick {
			p.streams = 100
		}
		return p, fill.Streams(ctx, conn, p.streams, pastEvents)
	}}
}

// taking gives a cell the past and its round.
func taking(shared *harness.Shared[*past], round func(context.Context, *past, time.Duration) (harness.Result, error)) func(context.Context, *harness.Stage) (harness.Runner, error) {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		p, err := shared.Take(ctx, s)
		if err != nil {
			return nil, err
		}
		r := harness.RunnerFunc(func(ctx context.Context, length time.Duration) (harness.Result, error) { return round(ctx, p, length) })
		return r, warm(ctx, s, r)
	}
}

// reads starts the cell that reads one stream after another, by what a reply needs and no more.
func reads(shared *harness.Shared[*past]) func(context.Context, *harness.Stage) (harness.Runner, error) {
	const sql = `select e.log_position, e.position, k.type, k.publisher, e.flags, e.id, e.recorded, e.occurred, e.source, e.attributes, e.data
		from kapivara.streams s join kapivara.events e using (stream_no) join kapivara.kinds k using (kind_no)
		where s.name = $1 order by e.position`
	return taking(shared, func(ctx context.Context, p *past, length time.Duration) (result harness.Result, err error) {
		began := time.Now()
		for now := began; now.Sub(began) < length; now = time.Now() {
			rows, err := p.conn.Query(ctx, sql, fill.Name(1+rand.IntN(p.streams))) //nolint:gosec // no secret
			if err != nil {
				return result, fmt.Errorf("read: %w", err)
			}
			n := 0
			for rows.Next() {
				_ = rows.RawValues()
				n++
			}
			if err := rows.Err(); err != nil || n != pastEvents {
				return result, fmt.Errorf("read: %d rows, want %d: %w", n, pastEvents, err)
			}
			result.Operations++
			result.Latencies = append(result.Latencies, time.Since(now))
		}
		result.Elapsed = time.Since(began)
		return result, nil
	})
}

// logs starts the cell that copies the log out, again and again.
func logs(shared *harness.Shared[*past]) func(context.Context, *harness.Stage) (harness.Runner, error) {
	const sql = "copy (select * from kapivara.events order by log_position) to stdout with (format binary)"
	return taking(shared, func(ctx context.Context, p *past, length time.Duration) (result harness.Result, err error) {
		began := time.Now()
		for time.Since(began) < length {
			tag, err := p.conn.PgConn().CopyTo(ctx, io.Discard, sql)
			if err != nil || tag.RowsAffected() != int64(p.streams*pastEvents) {
				return result, fmt.Errorf("copy out: %d rows, want %d: %w", tag.RowsAffected(), p.streams*pastEvents, err)
			}
			result.Operations += tag.RowsAffected()
		}
		result.Elapsed = time.Since(began)
		return result, nil
	})
}
