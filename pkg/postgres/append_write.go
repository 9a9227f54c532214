package postgres

import (
	"bytes"
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"kapivara/pkg/kapivara"
)

func copyIn(ctx context.Context, conn *pgx.Conn, sql string, rows copyRows) error {
	_, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(rows), sql)
	return err
}

func writeGrown(ctx context.Context, tx pgx.Tx, heads []*kapivara.Head) error {
	var no, completed []int64
	var version, contiguous, finish []int
	for _, h := range heads {
		no, completed = append(no, h.No), append(completed, h.Completed)
		version, contiguous, finish = append(version, h.Version), append(contiguous, h.Contiguous), append(finish, h.Finish)
	}
	_, err := tx.Exec(ctx, sqlAppendGrown, no, completed, version, contiguous, finish)
	return err
}

// warnedKey marks a connection whose server has sent a warning since the last call of beforeCommit.
const warnedKey = "kapivara warned"

func noteWarning(conn *pgconn.PgConn, n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" {
		conn.CustomData()[warnedKey] = true
	}
}

func beforeCommit(conn *pgx.Conn) { delete(conn.PgConn().CustomData(), warnedKey) }

// warnedSince tells that a commit came back with a warning: it may not be where it was to be, on a synchronous standby for
// one, and counts as unknown.
func warnedSince(conn *pgx.Conn) bool { return conn.PgConn().CustomData()[warnedKey] != nil }
