package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// dispatchRow takes the columns of dispatchNumbered.
type dispatchRow struct {
	n                kapivara.Numbered
	cause            int16
	leased           time.Time
	ackWait          int64
	committed        *int
	state, answer    *int16
	attempt, counted *int
	sent, until      *time.Time
	reason           *string
}

func (r *dispatchRow) into() []any {
	n := &r.n
	return []any{
		&n.Ref.Bucket, &n.Number, &n.LogPosition, &n.Subscriber, &n.From, &n.To, &n.Buckets, &r.cause, &r.leased,
		&r.ackWait, &n.Stream, &n.Name, &n.Canary, &n.Version, &n.Finish, &n.Complete, &r.committed,
		&r.state, &r.attempt, &r.counted, &r.sent, &r.until, &r.answer, &r.reason,
	}
}

// numbered is the row as a delivery. Neither committed nor in retries means that it is on its first lease.
func (r *dispatchRow) numbered() kapivara.Numbered {
	r.n.Cause = dispatchCause(r.cause)
	switch {
	case r.committed != nil:
		r.n.Lease = kapivara.Lease{State: kapivara.Committed, Attempt: *r.committed}
	case r.state != nil:
		r.n.Retried = true
		r.n.Lease = kapivara.Lease{
			State: readStates()[*r.state], Attempt: *r.attempt, Counted: *r.counted, Sent: r.sent.UTC(),
			Until: readTime(r.until), Reason: *r.reason, Pulled: *r.answer == dispatchPulled,
		}
		r.n.Lease.Answer, r.n.Lease.Missed = dispatchVerdict(int(*r.answer))
	default:
		r.n.Lease = kapivara.Lease{
			State: kapivara.Leased, Attempt: 1, Sent: r.leased.UTC(),
			Until: r.leased.UTC().Add(time.Duration(r.ackWait) * time.Millisecond),
		}
	}
	return r.n
}

// What settled the last attempt (schema/migrations/0001_store.tx.up.sql).
const (
	dispatchNak    = 1
	dispatchTerm   = 2
	dispatchMissed = 3
	dispatchTaken  = 4
	dispatchPulled = 5
)

// dispatchVerdict is what settled the last attempt, by its number in the store.
func dispatchVerdict(answer int) (v kapivara.Verdict, missed bool) {
	switch answer {
	case dispatchNak:
		v = kapivara.Nak
	case dispatchTerm:
		v = kapivara.Term
	case dispatchTaken:
		v = kapivara.TakenAway
	}
	return v, answer == dispatchMissed
}

func dispatchAnswer(l *kapivara.Lease) int16 {
	switch {
	case l.Answer == kapivara.Nak:
		return dispatchNak
	case l.Answer == kapivara.Term:
		return dispatchTerm
	case l.Answer == kapivara.TakenAway:
		return dispatchTaken
	case l.Missed:
		return dispatchMissed
	case l.Pulled:
		return dispatchPulled
	}
	return 0
}

func dispatchCause(n int16) kapivara.Cause {
	return [...]kapivara.Cause{"", kapivara.CauseComplete, kapivara.CauseAppended, kapivara.CauseReplay}[n]
}

func dispatchCauseNumber(c kapivara.Cause) int16 {
	for n := int16(1); n <= 3; n++ {
		if dispatchCause(n) == c {
			return n
		}
	}
	return 1
}

// Buckets gives the rows of the subscribers' buckets, and then what is leased of them.
func (d *Dispatch) Buckets(ctx context.Context, subscribers []string) (buckets []kapivara.BucketRow, leased []kapivara.Numbered, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*dispatchTimeout)
	defer cancel()
	batch := &pgx.Batch{}
	batch.Queue(dispatchBucketsSQL, subscribers).Query(func(rows pgx.Rows) error {
		return readEach(rows, func(rows pgx.Rows) error {
			b, err := dispatchScanBucket(rows)
			buckets = append(buckets, b)
			return err
		})
	})
	for _, sql := range [...]string{dispatchFirstSQL, dispatchLeasedSQL} {
		batch.Queue(dispatchSQL(sql), subscribers).Query(func(rows pgx.Rows) error {
			return dispatchCollect(rows, &leased)
		})
	}
	if err := d.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, nil, dispatchError("read the buckets", err, false)
	}
	return buckets, leased, nil
}

// Deliveries gives those of the deliveries that exist, in no order.
func (d *Dispatch) Deliveries(ctx context.Context, refs []kapivara.Ref) (found []kapivara.Numbered, err error) {
	ctx, cancel := context.WithTimeout(ctx, dispatchTimeout)
	defer cancel()
	buckets, numbers := make([]int32, len(refs)), make([]int64, len(refs))
	for i, r := range refs {
		buckets[i], numbers[i] = r.Bucket, r.Number
	}
	rows, err := d.pool.Query(ctx, dispatchSQL(dispatchDeliveriesSQL), buckets, numbers)
	if err == nil {
		err = dispatchCollect(rows, &found)
	}
	if err != nil {
		return nil, dispatchError("look deliveries up", err, false)
	}
	return found, nil
}

func dispatchCollect(rows pgx.Rows, into *[]kapivara.Numbered) error {
	return readEach(rows, func(rows pgx.Rows) error {
		var row dispatchRow
		if err := rows.Scan(row.into()...); err != nil {
			return err
		}
		*into = append(*into, row.numbered())
		return nil
	})
}

func dispatchScanBucket(rows pgx.Rows, before ...any) (b kapivara.BucketRow, err error) {
	var bucket int16
	err = rows.Scan(append(before, &b.No, &b.Subscriber, &bucket, &b.Sent, &b.Floor, &b.Version, &b.Claim.Owner, &b.Claim.Epoch)...)
	b.Bucket = kapivara.Bucket(bucket)
	return b, err
}
