package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"kapivara/pkg/kapivara"
)

// readDeliveryColumns are what readDelivery scans: of a bucket b, a delivery d, its commit c, its retry r, its stream s.
// State 0 is committed; without a commit and a retry a delivery is leased for the first time.
const readDeliveryColumns = `b.bucket, d.number, s.name, d.cause, d.from_position, d.to_position, d.due,
	case when c.number is not null then 0 else coalesce(r.state, 2) end, coalesce(c.attempt, r.attempt, 1),
	coalesce(r.until, d.leased + d.ack_wait_ms * interval '1 millisecond'), coalesce(r.reason, ''),
	case when c.number is null and coalesce(r.state, 2) = 2 then b.owner else '' end, c.committed`

// readWaitingColumns are the same of a row o of the outbox or the replays, that has no number yet. What a growth brings
// is known at its lease.
const readWaitingColumns = `o.bucket, 0::bigint, s.name, o.cause::smallint, case when o.cause = 2 then 0 else 1 end,
	case when o.cause = 2 then 0 else coalesce(s.finish, 0) end, o.due,
	1, 0, null::timestamptz, '', '', null::timestamptz`

const (
	// readGrowthColumns are readWaitingColumns of the outbox, where a growth goes on where the one before it ends, waiting
	// or delivered. What a later look has found of it already is no stretch of its own.
	readGrowthColumns = `o.bucket, 0::bigint, s.name, o.cause::smallint,
	case when o.cause <> 2 then 1 when g.low <= o.grown then g.low else 0 end,
	case when o.cause <> 2 then coalesce(s.finish, 0) when g.low <= o.grown then o.grown else 0 end, o.due,
	1, 0, null::timestamptz, '', '', null::timestamptz`
	// readGrowthJoin finds where a growth goes on (indexes outbox_grown, deliveries_grown).
	readGrowthJoin = `left join lateral (select 1 + greatest(
		(select e.grown from kapivara.outbox e
		  where e.stream_no = o.stream_no and e.subscriber_no = o.subscriber_no and e.cause = 2 and e.due < o.due
		  order by e.due desc limit 1),
		(select d.to_position from kapivara.deliveries d
		  where d.subscriber_no = o.subscriber_no and d.stream_no = o.stream_no and d.cause = 2
		  order by d.from_position desc limit 1), 0) as low where o.cause = 2) as g on true`
)

// readStates are the states by their number in the store.
func readStates() []kapivara.State {
	return []kapivara.State{
		kapivara.Committed, kapivara.Pending, kapivara.Leased, kapivara.Hidden, kapivara.Parked, kapivara.Discarded,
	}
}

// readCause is a cause by its number in the store.
func readCause(number int) kapivara.Cause {
	switch number {
	case 2:
		return kapivara.CauseAppended
	case 3:
		return kapivara.CauseReplay
	default:
		return kapivara.CauseComplete
	}
}

func readDelivery(rows pgx.Row, more ...any) (kapivara.DeliveryRow, error) {
	var row kapivara.DeliveryRow
	var cause, state int
	var until, committed *time.Time
	err := rows.Scan(append([]any{
		&row.Bucket, &row.Number, &row.Stream, &cause, &row.From, &row.To, &row.LogPosition, &state, &row.Attempt, &until,
		&row.Reason, &row.Node, &committed,
	}, more...)...)
	if err != nil {
		return row, err
	}
	row.Cause = readCause(cause)
	row.State = readStates()[state]
	switch {
	case until == nil:
	case row.State == kapivara.Leased:
		row.Deadline = until.UTC()
	case row.State == kapivara.Hidden:
		row.Until = until.UTC()
	}
	if committed != nil {
		row.Committed = committed.UTC()
	}
	return row, nil
}

// Deliveries lists deliveries of a subscriber, of one snapshot; not_found for a subscriber or a bucket that is not there.
func (r *Reader) Deliveries(ctx context.Context, q kapivara.DeliveriesQuery) (kapivara.DeliveriesPage, error) {
	var page kapivara.DeliveriesPage
	err := r.snapshot(ctx, func(tx pgx.Tx) error {
		s, err := readSubscriber(ctx, tx, q.Subscriber)
		if err != nil {
			return err
		}
		if err := readBucketThere(ctx, tx, s, q.Bucket); err != nil {
			return err
		}
		page, err = r.deliveries(ctx, tx, s, q)
		return err
	})
	return page, err
}

// deliveries reads what is numbered first, then what was never leased, and of that the replays last.
func (r *Reader) deliveries(ctx context.Context, tx pgx.Tx, s *kapivara.Subscriber, q kapivara.DeliveriesQuery) (kapivara.DeliveriesPage, error) {
	var page kapivara.DeliveriesPage
	waits := q.State != "" && q.State != kapivara.Pending // nothing that has no number is in that state
	for _, part := range [...]struct {
		query *bun.SelectQuery
		skip  bool
	}{
		{r.numberedQuery(q), q.After.LogPosition > 0},
		{r.waitingQuery(s.No, q, "kapivara.outbox", !q.After.Replay), waits || q.After.Replay},
		{r.waitingQuery(s.No, q, "(select r.*, 3 as cause from kapivara.replays r)", q.After.Replay), waits},
	} {
		if part.skip || len(page.Rows) > q.Limit {
			continue
		}
		rows, err := r.readBuilt(ctx, tx, part.query)
		if err == nil {
			err = readEach(rows, func(rows pgx.Rows) error {
				row, err := readDelivery(rows)
				page.Rows = append(page.Rows, row)
				return err
			})
		}
		if err != nil {
			return page, fmt.Errorf("read deliveries: %w", translate(err, false))
		}
	}
	if page.More = len(page.Rows) > q.Limit; page.More {
		page.Rows = page.Rows[:q.Limit]
	}
	return page, nil
}

// readBucketThere refuses a bucket that the subscriber neither has nor had.
func readBucketThere(ctx context.Context, tx pgx.Tx, s *kapivara.Subscriber, bucket *kapivara.Bucket) error {
	if bucket == nil || hasBucket(s, *bucket) {
		return nil
	}
	var there bool
	err := tx.QueryRow(ctx, "select exists (select from kapivara.buckets where subscriber = $1 and bucket = $2)",
		s.Name, int(*bucket)).Scan(&there)
	if err != nil {
		return fmt.Errorf("read bucket: %w", translate(err, false))
	}
	if !there {
		return kapivara.Refuse(kapivara.NotFound, "the subscriber has no bucket %s", bucket)
	}
	return nil
}

func hasBucket(s *kapivara.Subscriber, b kapivara.Bucket) bool {
	if b.Canary() {
		return int(-1-b) < s.CanaryBuckets
	}
	return int(b) < s.Buckets
}

// snapshot runs do in a transaction that sees one moment and can't write.
func (r *Reader) snapshot(ctx context.Context, do func(tx pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, r.pool, options, do)
	var refusal *kapivara.Error
	if err != nil && !errors.As(err, &refusal) {
		return translate(err, false)
	}
	return err
}
