package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kapivara/pkg/kapivara"
)

// Dispatch is the store of the dispatcher: the duties, what is due, and the numbered deliveries.
type Dispatch struct {
	pool *Pool
}

// NewDispatch works over the pool's connections, of which it uses up to five at once.
func NewDispatch(pool *Pool) *Dispatch { return &Dispatch{pool: pool} }

// dispatchTimeout bounds a reading, so that a server that hangs is noticed.
const dispatchTimeout = 3 * time.Second

const (
	// dispatchNumbered are what dispatchRow scans, of a delivery d, its stream s, its commit c and its row r in retries.
	dispatchNumbered = `d.bucket_no, d.number, d.due, d.subscriber_no, d.from_position, d.to_position, d.buckets, d.cause, d.leased,
       d.ack_wait_ms, d.stream_no, s.name, s.canary, case when d.cause = 1 then s.version else (
         select e.position from kapivara.events e where e.stream_no = s.stream_no order by e.position desc limit 1) end,
       coalesce(s.finish, 0), s.completed is not null, c.attempt,
       r.state, r.attempt, r.counted, r.sent, r.until, r.answer, r.reason`
	// dispatchWaiting are what is said of a stream s that waits in the outbox o.
	dispatchWaiting = `o.stream_no, s.name, s.canary, s.version, coalesce(s.finish, 0), s.completed is not null, o.cause, coalesce(o.grown, 0)`
)

// dispatchSQL fills in the columns that the statements share.
func dispatchSQL(statement string) string {
	return strings.NewReplacer("{numbered}", dispatchNumbered, "{waiting}", dispatchWaiting,
		"{weight}", readWeightSQL).Replace(statement)
}

// dispatchError gives the dispatcher's errors for what the schema's functions and constraints raise.
func dispatchError(step string, err error, committing bool) error {
	switch sqlState(err) {
	case stateNoRun:
		err = kapivara.ErrOffDuty
	case stateNoDuty:
		err = kapivara.ErrLostDuty
	case stateNoMatch, stateUnique, "KV004", "40P01", "40001":
		err = kapivara.ErrStaleTurn
	}
	return fmt.Errorf("dispatch: %s: %w", step, translate(err, committing))
}

// TokenKey is the key of the tokens.
func (d *Dispatch) TokenKey(ctx context.Context) (key []byte, err error) {
	if err := d.pool.QueryRow(ctx, "select key from kapivara.token_key").Scan(&key); err != nil {
		return nil, dispatchError("read the key", err, false)
	}
	return key, nil
}
