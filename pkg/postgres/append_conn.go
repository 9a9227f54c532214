package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"kapivara/pkg/kapivara"
)

// A commit is never cancelled; when it takes too long its connection is dropped, and its outcome is unknown.
const (
	commitTimeout = 3500 * time.Millisecond // where the caller sets no deadline
	commitGrace   = 500 * time.Millisecond  // beyond the caller's deadline, which bounds what comes before
)

// commitDeadline is when a commit that is begun under ctx is given up: so that who waits for it is answered within 4 s,
// however long the statements before it took.
func commitDeadline(ctx context.Context) time.Time {
	if deadline, ok := ctx.Deadline(); ok {
		return deadline.Add(commitGrace)
	}
	return time.Now().Add(commitTimeout)
}

// appendConn is the connection on which batches are pipelined. One goroutine sends, one receives, in the same order.
type appendConn struct {
	net      net.Conn
	frontend *pgproto3.Frontend
	buf      []byte // of the sender
}

func dialAppend(ctx context.Context, config *pgx.ConnConfig, role Role) (*appendConn, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("append: connect: %w", err)
	}
	if err := prepareAppend(ctx, conn, role); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	hijacked, err := conn.PgConn().Hijack()
	if err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("append: connect: %w", err)
	}
	return &appendConn{net: hijacked.Conn, frontend: hijacked.Frontend}, nil
}

func prepareAppend(ctx context.Context, conn *pgx.Conn, role Role) error {
	if err := takeRole(ctx, conn, role); err != nil {
		return err
	}
	for _, s := range appendStatements {
		if _, err := conn.PgConn().Prepare(ctx, s.name, s.sql, nil); err != nil {
			return fmt.Errorf("append: prepare %s: %w", s.name, err)
		}
	}
	return nil
}

func (c *appendConn) close() { _ = c.net.Close() }

// quiet tells whether the connection, on which nothing is under way, is still good: the server has neither closed it nor
// said anything.
func (c *appendConn) quiet() bool {
	if c.net.SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	var one [1]byte
	_, err := c.net.Read(one[:])
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// send writes a batch's transaction in one write. An error means that the server can't commit it: the Sync at its end was
// not sent.
func (c *appendConn) send(b *kapivara.Batch, deadline time.Time) error {
	buf, err := batchMessages(c.buf[:0], b)
	if err != nil {
		return fmt.Errorf("append: encode: %w", err)
	}
	const keep = 4 << 20
	if c.buf = buf; cap(buf) > keep {
		c.buf = nil
	}
	if err := c.net.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if n, err := c.net.Write(buf); n < len(buf) {
		return fmt.Errorf("append: send: %w", err)
	}
	return nil
}

// errUnknown is the end of a connection while a commit was on its way.
var errUnknown = errors.New("the connection was lost during the commit")

// receive reads the server's words on one batch, up to its ReadyForQuery. errUnknown means that the connection is of no
// further use and the batch may be stored or not; a *pgconn.PgError that it is not.
func (c *appendConn) receive(deadline time.Time) (recorded time.Time, err error) {
	if err := c.net.SetReadDeadline(deadline); err != nil {
		return time.Time{}, errUnknown
	}
	for warned := false; ; {
		msg, receiveErr := c.frontend.Receive()
		if receiveErr != nil {
			return time.Time{}, errUnknown
		}
		switch msg := msg.(type) {
		case *pgproto3.DataRow:
			if len(msg.Values) == 1 && len(msg.Values[0]) == 8 {
				recorded = fromMicroseconds(int64(binary.BigEndian.Uint64(msg.Values[0]))) //nolint:gosec // two's complement
			}
		case *pgproto3.NoticeResponse:
			// A commit that comes back with a warning may not be where it was to be, on a synchronous standby for one.
			warned = warned || msg.SeverityUnlocalized == "WARNING"
		case *pgproto3.ErrorResponse:
			if msg.SeverityUnlocalized != "ERROR" {
				return time.Time{}, errUnknown
			}
			err = pgconn.ErrorResponseToPgError(msg)
		case *pgproto3.ReadyForQuery:
			if warned && err == nil {
				err = errUnknown
			}
			return recorded, err
		}
	}
}

// fromMicroseconds is a timestamptz of the binary protocol: microseconds since 2000-01-01 UTC.
func fromMicroseconds(us int64) time.Time {
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(us) * time.Microsecond)
}
