package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// Dispatch is the store of the dispatcher: the duty, what is due, and the numbered deliveries.
type Dispatch struct {
	pool *Pool
}

// NewDispatch works over the pool's connections, of which it uses up to four at once.
func NewDispatch(pool *Pool) *Dispatch { return &Dispatch{pool: pool} }

// dispatchTimeout bounds a reading, so that a server that hangs is noticed.
const dispatchTimeout = 3 * time.Second

const (
	// dispatchNumbered are what dispatchRow scans, of a delivery d, its stream s, its commit c and its row r in retries.
	dispatchNumbered = `d.bucket_no, d.number, d.due, d.subscriber_no, d.from_position, d.to_position, d.buckets, d.cause, d.leased,
       d.ack_wait_ms, d.stream_no, s.name, s.canary, s.version, coalesce(s.finish, 0), s.completed is not null, c.attempt,
       r.state, r.attempt, r.counted, r.sent, r.until, r.answer, r.reason`
	// dispatchWaiting are what is said of a stream s that waits in the outbox o.
	dispatchWaiting = `o.stream_no, s.name, s.canary, s.version, coalesce(s.finish, 0), s.completed is not null`
)

// dispatchSQL fills in the columns that the statements share.
func dispatchSQL(statement string) string {
	return strings.NewReplacer("{numbered}", dispatchNumbered, "{waiting}", dispatchWaiting,
		"{weight}", readWeightSQL, "{head}", readHeadSQL).Replace(statement)
}

// dispatchError gives the dispatcher's errors for what the schema's functions and constraints raise.
func dispatchError(step string, err error, committing bool) error {
	switch sqlState(err) {
	case stateNoLease:
		err = kapivara.ErrOffDuty
	case stateNoMatch, stateUnique, "KV004", "40P01", "40001":
		err = kapivara.ErrStaleTurn
	}
	return fmt.Errorf("dispatch: %s: %w", step, translate(err, committing))
}

// TakeDuty makes the caller the dispatcher at work for ttl, where nobody is.
func (d *Dispatch) TakeDuty(ctx context.Context, holder string, ttl time.Duration) (epoch int64, ok bool, err error) {
	err = d.pool.QueryRow(ctx, dispatchTakeDutySQL, holder, ttl.Microseconds()).Scan(&epoch)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, dispatchError("take the duty", err, false)
	}
	return epoch, true, nil
}

// KeepDuty prolongs the duty to ttl from now and gives the database's time.
func (d *Dispatch) KeepDuty(ctx context.Context, epoch int64, ttl time.Duration) (now time.Time, err error) {
	err = d.pool.QueryRow(ctx, dispatchKeepDutySQL, epoch, ttl.Microseconds()).Scan(&now)
	if errors.Is(err, pgx.ErrNoRows) {
		return now, kapivara.ErrOffDuty
	}
	if err != nil {
		return now, dispatchError("keep the duty", err, false)
	}
	return now, nil
}

// LeaveDuty gives the duty up.
func (d *Dispatch) LeaveDuty(ctx context.Context, epoch int64) error {
	if _, err := d.pool.Exec(ctx, dispatchLeaveDutySQL, epoch); err != nil {
		return dispatchError("leave the duty", err, false)
	}
	return nil
}

// TokenKey is the key of the tokens.
func (d *Dispatch) TokenKey(ctx context.Context) (key []byte, err error) {
	if err := d.pool.QueryRow(ctx, "select key from kapivara.token_key").Scan(&key); err != nil {
		return nil, dispatchError("read the key", err, false)
	}
	return key, nil
}
