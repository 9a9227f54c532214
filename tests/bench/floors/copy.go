package floors

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/postgres"
	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
)

const (
	copyRows   = 1000 // of a transaction
	copyStream = 20   // events of a stream
	copySQL    = "copy kapivara.events (log_position, stream_no, position, kind_no, flags, id, data) from stdin with (format binary)"
)

// copier writes rows of the events table.
type copier struct {
	conn *pgx.Conn
	rows int64
	data []byte
	buf  []byte
}

// copies starts a cell that copies into an events table with or without its triggers.
func copies(triggers bool) func(context.Context, *harness.Stage) (harness.Runner, error) {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		conn, err := migrated(ctx, s)
		if err != nil {
			return nil, err
		}
		if !triggers {
			if _, err := conn.Exec(ctx, "alter table kapivara.events disable trigger user"); err != nil {
				return nil, fmt.Errorf("triggers off: %w", err)
			}
		}
		c := &copier{conn: conn, data: load.Data()}
		return c, warm(ctx, s, c)
	}
}

// warm runs a round that does not count, but for a quick look.
func warm(ctx context.Context, s *harness.Stage, r harness.Runner) error {
	if s.Quick {
		return nil
	}
	_, err := r.Round(ctx, time.Second)
	return err
}

// migrated is a connection to a database of its own with Kapivara's schema.
func migrated(ctx context.Context, s *harness.Stage) (*pgx.Conn, error) {
	url, err := s.Database(ctx)
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, url); err != nil {
		return nil, err
	}
	return connect(ctx, s, url)
}

func connect(ctx context.Context, s *harness.Stage, url string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	s.Cleanup(conn.Close)
	return conn, nil
}

// Round copies for so long. A COPY by itself is a transaction of its own.
func (c *copier) Round(ctx context.Context, length time.Duration) (harness.Result, error) {
	var result harness.Result
	began := time.Now()
	for now := began; now.Sub(began) < length; now = time.Now() {
		tag, err := c.conn.PgConn().CopyFrom(ctx, bytes.NewReader(c.next(now)), copySQL)
		if err != nil {
			return result, fmt.Errorf("copy: %w", err)
		}
		result.Operations += tag.RowsAffected()
		result.Latencies = append(result.Latencies, time.Since(now))
	}
	result.Elapsed = time.Since(began)
	return result, nil
}

// Stop does nothing: the connection stands on the stage.
func (c *copier) Stop(context.Context) error { return nil }

// next are the next rows in COPY's binary format. Their ids grow, as UUIDs of version 7 do.
func (c *copier) next(now time.Time) []byte {
	c.buf = append(c.buf[:0], "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	for range copyRows {
		stream, position := c.rows/copyStream+1, c.rows%copyStream+1
		c.rows++
		c.buf = binary.BigEndian.AppendUint16(c.buf, 7)
		c.field(8, uint64(c.rows))   //nolint:gosec // positive
		c.field(8, uint64(stream))   //nolint:gosec // positive
		c.field(4, uint64(position)) //nolint:gosec // positive
		c.field(4, 1)
		c.field(2, 2)
		c.buf = binary.BigEndian.AppendUint32(c.buf, 16)
		c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(now.UnixMilli())<<16|7<<12|rand.Uint64()&0xfff) //nolint:gosec // no secret
		c.buf = binary.BigEndian.AppendUint64(c.buf, rand.Uint64()&^(3<<62)|2<<62)                          //nolint:gosec // no secret
		c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(len(c.data)))                                   //nolint:gosec // small
		c.buf = append(c.buf, c.data...)
	}
	return append(c.buf, 0xff, 0xff)
}

// field writes a number of so many bytes.
func (c *copier) field(size int, v uint64) {
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(size)) //nolint:gosec // small
	for i := size - 1; i >= 0; i-- {
		c.buf = append(c.buf, byte(v>>(8*i))) //nolint:gosec // one byte of it
	}
}
