package postgres

import (
	"context"
	_ "embed"
	"encoding/json"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/dispatch_operate_numbers.sql
	operateNumbersSQL string
	//go:embed sql/dispatch_operate_stream.sql
	operateStreamSQL string
	//go:embed sql/dispatch_operate_state.sql
	operateStateSQL string
	//go:embed sql/dispatch_operate_leased.sql
	operateLeasedSQL string
	//go:embed sql/dispatch_operate_buckets.sql
	operateBucketsSQL string
)

// operatePage is how many deliveries a part of an operation looks at: it holds up live ones for some milliseconds.
const operatePage = 500

// operation is a part of an operator's verb in its transaction.
type operation struct {
	*kapivara.Operation
	tx         pgx.Tx
	subscriber *kapivara.Subscriber
	now        time.Time
	done       *kapivara.Operated
}

// Operate does the next part of an operator's verb: see the port in the dispatcher.
func (d *Dispatch) Operate(
	ctx context.Context, hold kapivara.Hold, subscriber string, o *kapivara.Operation, from kapivara.OperateMark,
) (*kapivara.Operated, error) {
	done := &kapivara.Operated{}
	err := d.operate(ctx, hold, subscriber, func(ctx context.Context, tx pgx.Tx, s *kapivara.Subscriber, now time.Time) error {
		part := &operation{Operation: o, tx: tx, subscriber: s, now: now, done: done}
		if from.Waiting {
			return part.waiting(ctx, from)
		}
		return part.numbered(ctx, from)
	})
	if err != nil {
		return nil, dispatchError("operate", err, true)
	}
	return done, nil
}

// operate runs a transaction that holds the duty, and then the subscriber as it is set: neither can it be removed nor its
// buckets become others meanwhile. A name that was removed and set again is another subscriber's, whose duty is not held.
func (d *Dispatch) operate(
	ctx context.Context, hold kapivara.Hold, name string, do func(context.Context, pgx.Tx, *kapivara.Subscriber, time.Time) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, 10*dispatchTimeout)
	defer cancel()
	return d.pool.inTx(ctx, func(tx pgx.Tx) error {
		var now time.Time
		if err := tx.QueryRow(ctx, dispatchHoldSQL, dispatchHold(hold)...).Scan(&now); err != nil {
			return err
		}
		var record []byte
		if err := tx.QueryRow(ctx, "select kapivara.hold_subscriber($1)", name).Scan(&record); err != nil {
			return err
		}
		if record == nil {
			return errNoSubscriber()
		}
		var row registrySubscriberRow
		if err := json.Unmarshal(record, &row); err != nil {
			return err
		}
		if !hold.Has(row.No) {
			return kapivara.ErrLostDuty
		}
		return do(ctx, tx, row.subscriber(), now.UTC())
	})
}

// numbered does a part of what has its number.
func (p *operation) numbered(ctx context.Context, from kapivara.OperateMark) error {
	sql, args := p.choose(from)
	rows, err := p.tx.Query(ctx, dispatchSQL(sql), args...)
	if err != nil {
		return err
	}
	var found []kapivara.Numbered
	if err := dispatchCollect(rows, &found); err != nil {
		return err
	}
	if err := p.check(ctx, found); err != nil {
		return err
	}
	switch {
	case len(p.Numbers) == 0 && len(found) == operatePage:
		p.done.Next = &kapivara.OperateMark{Ref: found[len(found)-1].Ref}
	case p.Unnumbered():
		p.done.Next = &kapivara.OperateMark{Waiting: true, Ref: kapivara.Ref{Bucket: math.MinInt16}}
	}
	return p.change(ctx, found)
}

// choose is the statement that finds what the operation is for.
func (p *operation) choose(from kapivara.OperateMark) (string, []any) {
	switch s := p.subscriber; {
	case len(p.Numbers) > 0:
		buckets, numbers := make([]int16, len(p.Numbers)), make([]int64, len(p.Numbers))
		for i, n := range p.Numbers {
			buckets[i], numbers[i] = int16(n.Bucket), n.Number //nolint:gosec // at most 1024
		}
		return operateNumbersSQL, []any{s.No, s.Name, buckets, numbers}
	case p.Stream != "":
		return operateStreamSQL, []any{s.No, string(p.Stream), from.Ref.Bucket, from.Number, operatePage}
	default:
		sql := operateStateSQL
		if p.State == kapivara.Leased {
			sql = operateLeasedSQL
		}
		return sql, []any{s.Name, operateBucket(p.Bucket), readStateNumber(p.State), from.Ref.Bucket, from.Number, operatePage}
	}
}

func operateBucket(b *kapivara.Bucket) *int16 {
	if b == nil {
		return nil
	}
	n := int16(*b) //nolint:gosec // at most 1024
	return &n
}

// check refuses what names a delivery, a stream or a bucket that is not there.
func (p *operation) check(ctx context.Context, found []kapivara.Numbered) error {
	switch {
	case len(p.Numbers) > len(found):
		return kapivara.Refuse(kapivara.NotFound, "%d of the %d numbered deliveries are not there; nothing was changed",
			len(p.Numbers)-len(found), len(p.Numbers))
	case p.Stream != "" && len(found) == 0:
		return operateStream(ctx, p.tx, p.Stream)
	case p.Bucket != nil && len(found) == 0:
		return readBucketThere(ctx, p.tx, p.subscriber, p.Bucket)
	}
	return nil
}

func operateStream(ctx context.Context, tx pgx.Tx, name kapivara.Stream) error {
	var there bool
	err := tx.QueryRow(ctx, "select exists (select from kapivara.streams where name = $1)", string(name)).Scan(&there)
	if err == nil && !there {
		err = errNoStream()
	}
	return err
}

// change writes what the verb makes of the deliveries. Of those that have no row yet among the numbered ones the caller
// has moved the buckets already.
func (p *operation) change(ctx context.Context, found []kapivara.Numbered) error {
	var changed []kapivara.Numbered
	buckets := map[int32]int64{}
	for _, n := range found {
		next, is := n.Lease.Operate(p.Operation, p.now)
		if !is {
			continue
		}
		n.Lease, n.Retried = next, true
		changed = append(changed, n)
		buckets[n.Ref.Bucket] = 0
	}
	if p.done.Count = len(changed); p.DryRun || len(changed) == 0 {
		return nil
	}
	p.done.Changed = changed
	moved, err := operateMove(ctx, p.tx, buckets)
	if err != nil {
		return err
	}
	for i := range changed {
		changed[i].Due.Bucket = moved[changed[i].Ref.Bucket].Bucket
	}
	return p.settle(ctx)
}

// operateMove moves buckets on and gives them as they were, Sent being the number before the first of those that are numbered.
func operateMove(ctx context.Context, tx pgx.Tx, numbered map[int32]int64) (map[int32]*kapivara.BucketRow, error) {
	nos, counts := make([]int32, 0, len(numbered)), make([]int64, 0, len(numbered))
	for no, n := range numbered {
		nos, counts = append(nos, no), append(counts, n)
	}
	rows, err := tx.Query(ctx, operateBucketsSQL, nos, counts)
	if err != nil {
		return nil, err
	}
	moved := map[int32]*kapivara.BucketRow{}
	err = readEach(rows, func(rows pgx.Rows) error {
		var b kapivara.BucketRow
		var bucket int16
		err := rows.Scan(&b.No, &bucket, &b.Sent)
		b.Bucket = kapivara.Bucket(bucket)
		moved[b.No] = &b
		return err
	})
	return moved, err
}

// settle writes where the changed deliveries stand.
func (p *operation) settle(ctx context.Context) error {
	settlements := make([]kapivara.Settlement, len(p.done.Changed))
	for i := range p.done.Changed {
		n := &p.done.Changed[i]
		settlements[i] = kapivara.Settlement{Ref: n.Ref, Lease: n.Lease}
		if !n.Lease.Until.IsZero() {
			settlements[i].After = n.Lease.Until.Sub(p.now)
		}
	}
	batch := &pgx.Batch{}
	dispatchQueueSettlements(batch, settlements)
	return p.tx.SendBatch(ctx, batch).Close()
}
