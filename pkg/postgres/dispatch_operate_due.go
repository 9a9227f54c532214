package postgres

import (
	"context"
	_ "embed"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/dispatch_operate_due.sql
	operateDueSQL string
	//go:embed sql/dispatch_operate_due_stream.sql
	operateDueStreamSQL string
)

// waiting does a part of what is due and has no number yet: first what is due by itself, then replays.
func (p *operation) waiting(ctx context.Context, from kapivara.OperateMark) error {
	table := "kapivara.outbox"
	if from.Replays {
		table = "(select r.*, 3::smallint as cause, null::integer as grown from kapivara.replays r)"
	}
	anyOrder := p.Verb == kapivara.Discard // what it settles holds nothing back
	sql, args := operateDueSQL, []any{p.subscriber.No, operateBucket(p.Bucket), from.Ref.Bucket, from.Due, operatePage, anyOrder}
	if p.Stream != "" {
		sql, args = operateDueStreamSQL, []any{p.subscriber.No, string(p.Stream), from.Due, operatePage, anyOrder}
	}
	rows, err := p.tx.Query(ctx, strings.ReplaceAll(dispatchGrownSQL(sql), "{due}", table), args...)
	if err != nil {
		return err
	}
	var due []kapivara.Waiting
	if err := readEach(rows, func(rows pgx.Rows) error {
		_, w, err := dispatchScanGrown(rows)
		due = append(due, w)
		return err
	}); err != nil {
		return err
	}
	switch n := len(due); {
	case n == operatePage:
		next := from
		next.Ref.Bucket, next.Due = int32(due[n-1].Due.Bucket), due[n-1].LogPosition //nolint:gosec // at most 1024
		p.done.Next = &next
	case !from.Replays:
		p.done.Next = &kapivara.OperateMark{Waiting: true, Replays: true, Ref: kapivara.Ref{Bucket: math.MinInt16}}
	}
	due = p.Verb.Once(due)
	if p.done.Count = len(due); p.DryRun || len(due) == 0 {
		return nil
	}
	return p.number(ctx, due)
}

// number gives deliveries that were never leased their numbers, in the order in which they are due, as if they had been
// leased, and then their state. They have had no attempt.
func (p *operation) number(ctx context.Context, due []kapivara.Waiting) error {
	rows, err := p.open(ctx, due)
	if err != nil {
		return err
	}
	counts := map[int32]int64{}
	for i := range due {
		counts[rows[p.place(&due[i])]]++
	}
	moved, err := operateMove(ctx, p.tx, counts)
	if err != nil {
		return err
	}
	leases := make([]kapivara.NewDelivery, len(due))
	for i, w := range due {
		bucket := p.place(&w)
		row := moved[rows[bucket]]
		row.Sent++
		w.Due.Bucket = bucket
		n := p.subscriber.Number(w, kapivara.Ref{Bucket: row.No, Number: row.Sent}, bucket)
		n.Lease, _ = kapivara.Lease{State: kapivara.Pending, Sent: p.now}.Operate(p.Operation, p.now)
		n.Retried = true
		p.done.Changed = append(p.done.Changed, n)
		leases[i] = kapivara.NewDelivery{
			Ref: n.Ref, Due: w.Due, From: n.From, To: n.To, AckWait: p.subscriber.AckWait, Buckets: n.Buckets, Cause: n.Cause,
		}
	}
	batch := &pgx.Batch{}
	dispatchQueueLeases(batch, leases)
	dispatchQueueGrowths(batch, &kapivara.Turn{Leases: leases})
	if err := p.tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	return p.settle(ctx)
}

// place is the bucket of a stream by the settings in force.
func (p *operation) place(w *kapivara.Waiting) kapivara.Bucket {
	return kapivara.BucketOf(w.Name.Hash(), w.Canary, p.subscriber.Buckets, p.subscriber.CanaryBuckets)
}

// open gives the rows of the buckets, and makes those that are not there.
func (p *operation) open(ctx context.Context, due []kapivara.Waiting) (map[kapivara.Bucket]int32, error) {
	var names []string
	var buckets []int16
	for i := range due {
		if b := int16(p.place(&due[i])); !slices.Contains(buckets, b) { //nolint:gosec // at most 1024
			names, buckets = append(names, p.subscriber.Name), append(buckets, b)
		}
	}
	if _, err := p.tx.Exec(ctx, dispatchOpenSQL, names, buckets); err != nil {
		return nil, err
	}
	rows, err := p.tx.Query(ctx, dispatchOpenedSQL, names, buckets)
	if err != nil {
		return nil, err
	}
	opened := map[kapivara.Bucket]int32{}
	err = readEach(rows, func(rows pgx.Rows) error {
		var n int
		b, err := dispatchScanBucket(rows, &n)
		opened[b.Bucket] = b.No
		return err
	})
	return opened, err
}
