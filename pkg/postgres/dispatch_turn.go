package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// OpenBuckets makes the rows of the buckets that have none, and gives the rows of all, in their order.
func (d *Dispatch) OpenBuckets(ctx context.Context, hold kapivara.Hold, buckets []kapivara.BucketRow) ([]kapivara.BucketRow, error) {
	names, numbers := make([]string, len(buckets)), make([]int16, len(buckets))
	for i, b := range buckets {
		names[i], numbers[i] = b.Subscriber, int16(b.Bucket) //nolint:gosec // at most 1024
	}
	opened := make([]kapivara.BucketRow, len(buckets))
	_, err := d.write(ctx, hold, func(batch *pgx.Batch) {
		batch.Queue(dispatchOpenSQL, names, numbers)
		batch.Queue(dispatchOpenedSQL, names, numbers).Query(func(rows pgx.Rows) error {
			return readEach(rows, func(rows pgx.Rows) error {
				var n int
				b, err := dispatchScanBucket(rows, &n)
				if err == nil {
					opened[n-1] = b
				}
				return err
			})
		})
	})
	if err != nil {
		return nil, dispatchError("open buckets", err, true)
	}
	return opened, nil
}

// Turn writes all of the turn or nothing. Whatever ends the connection before the server's word leaves the outcome unknown.
func (d *Dispatch) Turn(ctx context.Context, turn *kapivara.Turn) (time.Time, error) {
	now, err := d.write(ctx, turn.Hold, func(batch *pgx.Batch) { dispatchQueue(batch, turn) })
	if err != nil {
		return now, dispatchError("turn", err, true)
	}
	return now, nil
}

// write runs one transaction in one round trip: the run and the duties are held first, and nobody takes them over until
// the commit.
func (d *Dispatch) write(ctx context.Context, hold kapivara.Hold, fill func(*pgx.Batch)) (now time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return now, translate(err, false) // nothing was sent
	}
	defer conn.Release()
	batch := &pgx.Batch{}
	batch.Queue("begin")
	batch.Queue(dispatchHoldSQL, dispatchHold(hold)...).QueryRow(func(row pgx.Row) error { return row.Scan(&now) })
	fill(batch)
	batch.Queue("commit")
	beforeCommit(conn.Conn())
	err = conn.SendBatch(ctx, batch).Close()
	if err != nil && !conn.Conn().IsClosed() {
		_, _ = conn.Exec(ctx, "rollback") // else the pool throws the connection away
	}
	if err == nil && warnedSince(conn.Conn()) {
		err = kapivara.Refuse(kapivara.OutcomeUnknown, "the store has warned of the commit; send the same request again")
	}
	return now, err
}

// dispatchHoldSQL holds the run and the duties until the end of the transaction, and gives the database's time.
const dispatchHoldSQL = "select kapivara.hold_dispatch($1, $2, $3)"

func dispatchHold(hold kapivara.Hold) []any {
	held, epochs := make([]int32, len(hold.Duties)), make([]int64, len(hold.Duties))
	for i, duty := range hold.Duties {
		held[i], epochs[i] = duty.Subscriber, duty.Epoch
	}
	return []any{hold.Dispatcher, held, epochs}
}

func dispatchQueue(batch *pgx.Batch, t *kapivara.Turn) {
	dispatchQueueLayouts(batch, t.Layouts)
	if n := len(t.Buckets); n > 0 {
		nos, versions, sent := make([]int32, n), make([]int64, n), make([]int64, n)
		floors, committed := make([]int64, n), make([]int64, n)
		for i, b := range t.Buckets {
			nos[i], versions[i], sent[i], floors[i], committed[i] = b.No, b.Version, b.Sent, b.Floor, b.Committed
		}
		batch.Queue(dispatchMoveBucketsSQL, nos, versions, sent, floors, committed)
		dispatchQueueClaims(batch, t.Buckets)
	}
	dispatchQueueLeases(batch, t.Leases)
	dispatchQueueGrowths(batch, t)
	dispatchQueueAgain(batch, t.Again)
	dispatchQueueCommits(batch, t.Commits)
	dispatchQueueSettlements(batch, t.Settlements)
	dispatchQueuePresences(batch, t.Presences)
	dispatchQueueNodes(batch, t.Nodes)
}

func dispatchQueueCommits(batch *pgx.Batch, commits []kapivara.Commit) {
	n := len(commits)
	if n == 0 {
		return
	}
	buckets, numbers, attempts := make([]int32, n), make([]int64, n), make([]int32, n)
	var retriedBuckets []int32
	var retriedNumbers []int64
	for i, c := range commits {
		buckets[i], numbers[i], attempts[i] = c.Bucket, c.Number, int32(c.Attempt) //nolint:gosec // counts attempts
		if c.Retried {
			retriedBuckets, retriedNumbers = append(retriedBuckets, c.Bucket), append(retriedNumbers, c.Number)
		}
	}
	batch.Queue(dispatchCommitSQL, buckets, numbers, attempts)
	if len(retriedBuckets) > 0 {
		batch.Queue(dispatchForgetSQL, retriedBuckets, retriedNumbers)
	}
}

func dispatchQueueSettlements(batch *pgx.Batch, settlements []kapivara.Settlement) {
	n := len(settlements)
	if n == 0 {
		return
	}
	buckets, numbers, after := make([]int32, n), make([]int64, n), make([]*int64, n)
	sent, attempts, counted := make([]time.Time, n), make([]int32, n), make([]int32, n)
	states, answers, reasons := make([]int16, n), make([]int16, n), make([]string, n)
	for i := range settlements {
		s := &settlements[i]
		buckets[i], numbers[i], sent[i] = s.Bucket, s.Number, s.Lease.Sent
		if !s.Lease.Until.IsZero() {
			us := s.After.Microseconds()
			after[i] = &us
		}
		attempts[i], counted[i] = int32(s.Lease.Attempt), int32(s.Lease.Counted) //nolint:gosec // counts attempts
		states[i] = int16(readStateNumber(s.Lease.State))                        //nolint:gosec // 1 to 5
		answers[i], reasons[i] = dispatchAnswer(&s.Lease), s.Lease.Reason
	}
	batch.Queue(dispatchSettleSQL, buckets, numbers, after, sent, attempts, counted, states, answers, reasons)
}

func dispatchQueuePresences(batch *pgx.Batch, presences []kapivara.PresenceChange) {
	n := len(presences)
	if n == 0 {
		return
	}
	subscribers, listening, answered := make([]int32, n), make([]*bool, n), make([]bool, n)
	silent, extra := make([]*time.Time, n), make([]int64, n)
	for i, p := range presences {
		subscribers[i], listening[i], answered[i] = p.Subscriber, p.Listening, p.Answered
		silent[i], extra[i] = readNull(p.SilentSince), p.Extra
	}
	batch.Queue(dispatchPresenceSQL, subscribers, listening, answered, silent, extra)
}
