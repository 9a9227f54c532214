package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// Roster gives for whom the dispatcher works, and the log's head, as of one moment.
func (d *Dispatch) Roster(ctx context.Context) (*kapivara.Roster, error) {
	ctx, cancel := context.WithTimeout(ctx, dispatchTimeout)
	defer cancel()
	roster := &kapivara.Roster{}
	err := pgx.BeginTxFunc(ctx, d.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "select registry, head from kapivara.log").Scan(&roster.Registry, &roster.Head); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, dispatchRosterSQL)
		if err != nil {
			return err
		}
		err = readEach(rows, func(rows pgx.Rows) error {
			var record []byte
			var row registrySubscriberRow
			if err := rows.Scan(&record); err != nil {
				return err
			}
			if err := json.Unmarshal(record, &row); err != nil {
				return err
			}
			roster.Subscribers = append(roster.Subscribers, *row.subscriber())
			return nil
		})
		if err != nil {
			return err
		}
		roster.Presences, err = dispatchPresences(ctx, tx)
		return err
	})
	if err != nil {
		return nil, dispatchError("read the roster", err, false)
	}
	return roster, nil
}

func dispatchPresences(ctx context.Context, tx pgx.Tx) (presences []kapivara.Presence, err error) {
	rows, err := tx.Query(ctx, "select subscriber_no, listening, last_answer, silent_since is not null from kapivara.standing")
	if err != nil {
		return nil, err
	}
	err = readEach(rows, func(rows pgx.Rows) error {
		var p kapivara.Presence
		var answered *time.Time
		err := rows.Scan(&p.Subscriber, &p.Listening, &answered, &p.Silent)
		p.LastAnswer = readTime(answered)
		presences = append(presences, p)
		return err
	})
	return presences, err
}

// Look gives the registry's version, what the lanes have, and what is due behind the mark, in this order.
func (d *Dispatch) Look(ctx context.Context, lanes []kapivara.LaneQuery, after kapivara.DueMark, limit int) (*kapivara.Look, error) {
	ctx, cancel := context.WithTimeout(ctx, dispatchTimeout)
	defer cancel()
	look := &kapivara.Look{Lanes: make([]kapivara.LaneWork, len(lanes))}
	batch := &pgx.Batch{}
	batch.Queue("select registry from kapivara.log").QueryRow(func(row pgx.Row) error { return row.Scan(&look.Registry) })
	dispatchAskMoves(batch, look)
	dispatchAskDue(batch, lanes, look, false)
	dispatchAskDue(batch, lanes, look, true)
	dispatchAskFreed(batch, lanes, look)
	dispatchAskHidden(batch, lanes, look)
	dispatchAskReplays(batch, lanes, look)
	batch.Queue(dispatchSQL(dispatchTailSQL), after.LogPosition, after.Subscriber, limit).Query(func(rows pgx.Rows) error {
		return readEach(rows, func(rows pgx.Rows) error {
			_, w, err := dispatchScanPlain(rows)
			look.Tail = append(look.Tail, w)
			return err
		})
	})
	if err := d.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, dispatchError("look for work", err, false)
	}
	slices.SortFunc(look.Tail, func(a, b kapivara.Waiting) int {
		return cmp.Or(cmp.Compare(a.LogPosition, b.LogPosition), cmp.Compare(a.Subscriber, b.Subscriber))
	})
	return look, nil
}

// dispatchAskDue asks for what is due in the lanes of subscribers that have grown, or in those of the others.
func dispatchAskDue(batch *pgx.Batch, lanes []kapivara.LaneQuery, look *kapivara.Look, grown bool) {
	var place []int
	var subscribers, most []int32
	var buckets []int16
	var after []int64
	for i, q := range lanes {
		if q.Limit > 0 && q.Grown == grown {
			place = append(place, i)
			subscribers, buckets = append(subscribers, q.Subscriber), append(buckets, int16(q.Bucket)) //nolint:gosec // at most 1024
			after, most = append(after, q.After), append(most, int32(q.Limit))                         //nolint:gosec // at most 2000
		}
	}
	if len(place) == 0 {
		return
	}
	statement, scan := dispatchSQL(dispatchLanesSQL), dispatchScanPlain
	if grown {
		statement, scan = dispatchGrownSQL(dispatchLanesGrownSQL), dispatchScanGrown
	}
	batch.Queue(statement, subscribers, buckets, after, most).Query(func(rows pgx.Rows) error {
		err := readEach(rows, func(rows pgx.Rows) error {
			n, w, err := scan(rows)
			if err == nil {
				work := &look.Lanes[place[n-1]]
				work.Due = append(work.Due, w)
			}
			return err
		})
		for _, i := range place {
			slices.SortFunc(look.Lanes[i].Due, func(a, b kapivara.Waiting) int { return cmp.Compare(a.LogPosition, b.LogPosition) })
		}
		return err
	})
}

func dispatchAskHidden(batch *pgx.Batch, lanes []kapivara.LaneQuery, look *kapivara.Look) {
	var place []int
	var rowNos, most []int32
	for i, q := range lanes {
		if q.Hidden > 0 {
			place = append(place, i)
			rowNos, most = append(rowNos, q.Row), append(most, int32(q.Hidden)) //nolint:gosec // a few hundred
		}
	}
	if len(place) == 0 {
		return
	}
	batch.Queue(dispatchSQL(dispatchHiddenSQL), rowNos, most).Query(func(rows pgx.Rows) error {
		err := readEach(rows, func(rows pgx.Rows) error {
			var n int
			var row dispatchRow
			if err := rows.Scan(append([]any{&n}, row.into()...)...); err != nil {
				return err
			}
			work := &look.Lanes[place[n-1]]
			work.Hidden = append(work.Hidden, row.numbered())
			return nil
		})
		for _, i := range place {
			slices.SortFunc(look.Lanes[i].Hidden, func(a, b kapivara.Numbered) int { return a.Lease.Until.Compare(b.Lease.Until) })
		}
		return err
	})
}

func dispatchScanPlain(rows pgx.Rows) (n int, w kapivara.Waiting, err error) {
	return dispatchScanWaiting(rows)
}

func dispatchScanWaiting(rows pgx.Rows, more ...any) (n int, w kapivara.Waiting, err error) {
	var bucket, cause int16
	err = rows.Scan(append([]any{
		&n, &w.LogPosition, &w.Subscriber, &bucket, &w.Stream, &w.Name, &w.Canary, &w.Version, &w.Finish, &w.Complete,
		&cause, &w.Grown,
	}, more...)...)
	w.Due.Bucket, w.Cause = kapivara.Bucket(bucket), dispatchCause(cause)
	return n, w, err
}
