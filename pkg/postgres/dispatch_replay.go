package postgres

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/dispatch_replay_complete.sql
	replayCompleteSQL string
	//go:embed sql/dispatch_replay_put.sql
	replayPutSQL string
)

// replayPage is how many completed streams a part of a replay looks at.
const replayPage = 2000

// replaying is a part of a replay in its transaction.
type replaying struct {
	*kapivara.Replay
	tx         pgx.Tx
	subscriber *kapivara.Subscriber
	done       *kapivara.Replayed
}

// Replay does the next part of a replay: see the port in the dispatcher.
func (d *Dispatch) Replay(
	ctx context.Context, epoch int64, subscriber string, r *kapivara.Replay, from kapivara.ReplayMark,
) (*kapivara.Replayed, error) {
	done := &kapivara.Replayed{}
	err := d.operate(ctx, epoch, subscriber, func(ctx context.Context, tx pgx.Tx, s *kapivara.Subscriber, _ time.Time) error {
		if s.Behind {
			return errGathering()
		}
		part := &replaying{Replay: r, tx: tx, subscriber: s, done: done}
		if from.To == 0 {
			var err error
			if from, err = part.bounds(ctx); err != nil {
				return err
			}
		}
		return part.complete(ctx, from)
	})
	if err != nil {
		return nil, dispatchError("replay", err, true)
	}
	return done, nil
}

// errGathering: what was due when the subscriber was set is not known in full yet, so it can't be said what has nothing
// unsettled.
func errGathering() error {
	refusal := kapivara.Refuse(kapivara.Busy,
		"the streams that were due before the subscriber was set are still being gathered; send the same request again")
	refusal.Facts.RetryAfter = "1s"
	return refusal
}

// bounds is the range, ending with the log's head where the request says no end.
func (p *replaying) bounds(ctx context.Context) (kapivara.ReplayMark, error) {
	mark := kapivara.ReplayMark{After: p.After}
	if err := p.tx.QueryRow(ctx, "select head from kapivara.log").Scan(&mark.To); err != nil {
		return mark, err
	}
	if p.To > 0 {
		mark.To = min(mark.To, p.To)
	}
	if p.Stream == "" {
		return mark, nil
	}
	var completed int64
	err := p.tx.QueryRow(ctx, "select coalesce(completed, 0) from kapivara.streams where name = $1", string(p.Stream)).Scan(&completed)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		err = errNoStream()
	case completed <= mark.After || completed > mark.To:
		mark.After = mark.To // nothing of it
	default:
		mark.After, mark.To = completed-1, completed
	}
	return mark, err
}

// complete does the next part of the streams that were completed in the range.
func (p *replaying) complete(ctx context.Context, from kapivara.ReplayMark) error {
	rows, err := p.tx.Query(ctx, replayCompleteSQL, p.subscriber.No, from.After, from.To, readNull(p.Since), replayPage)
	if err != nil {
		return err
	}
	var free []gathered
	n, last := 0, int64(0)
	err = readEach(rows, func(rows pgx.Rows) error {
		var c gathered
		var is bool
		err := rows.Scan(&c.no, &c.completed, &c.name, &c.canary, &is)
		n, last = n+1, max(last, c.completed)
		if is {
			free = append(free, c)
		}
		return err
	})
	if err != nil {
		return err
	}
	if n == replayPage {
		p.done.Next = &kapivara.ReplayMark{After: last, To: from.To}
	}
	slices.SortFunc(free, func(a, b gathered) int { return cmp.Compare(a.completed, b.completed) })
	return p.put(ctx, free)
}

// put notes those streams of the page that fit, to be sent again.
func (p *replaying) put(ctx context.Context, free []gathered) error {
	s := p.subscriber
	fit, err := gatherFit(ctx, p.tx, &gathering{types: s.Types, streams: s.Streams}, free)
	if err != nil {
		return err
	}
	var due, nos []int64
	var buckets []int16
	for _, c := range fit {
		b := kapivara.BucketOf(c.name.Hash(), c.canary, s.Buckets, s.CanaryBuckets)
		if p.Bucket != nil && *p.Bucket != b {
			continue
		}
		due, nos, buckets = append(due, c.completed), append(nos, c.no), append(buckets, int16(b)) //nolint:gosec // at most 1024
		p.done.Bucketed(b)
	}
	if p.done.Count = len(due); p.DryRun || len(due) == 0 {
		p.done.Buckets = nil
		return nil
	}
	_, err = p.tx.Exec(ctx, replayPutSQL, s.No, due, nos, buckets)
	return err
}

// dispatchAskReplays asks for what is to be sent again in the lanes.
func dispatchAskReplays(batch *pgx.Batch, lanes []kapivara.LaneQuery, look *kapivara.Look) {
	var place []int
	var subscribers, most []int32
	var buckets []int16
	var after []int64
	for i, q := range lanes {
		if q.Replays > 0 {
			place = append(place, i)
			subscribers, buckets = append(subscribers, q.Subscriber), append(buckets, int16(q.Bucket)) //nolint:gosec // at most 1024
			after, most = append(after, q.ReplaysAfter), append(most, int32(q.Replays))                //nolint:gosec // at most 2000
		}
	}
	if len(place) == 0 {
		return
	}
	batch.Queue(dispatchSQL(dispatchReplaysSQL), subscribers, buckets, after, most).Query(func(rows pgx.Rows) error {
		err := readEach(rows, func(rows pgx.Rows) error {
			n, w, err := dispatchScanReplay(rows)
			if err == nil {
				work := &look.Lanes[place[n-1]]
				work.Replays = append(work.Replays, w)
			}
			return err
		})
		for _, i := range place {
			slices.SortFunc(look.Lanes[i].Replays, func(a, b kapivara.Waiting) int { return cmp.Compare(a.LogPosition, b.LogPosition) })
		}
		return err
	})
}

// dispatchScanReplay takes the columns of dispatchWaiting, and how far the stream reaches without holes.
func dispatchScanReplay(rows pgx.Rows) (n int, w kapivara.Waiting, err error) {
	var bucket int16
	err = rows.Scan(&n, &w.LogPosition, &w.Subscriber, &bucket, &w.Stream, &w.Name, &w.Canary, &w.Version, &w.Finish, &w.Complete, &w.Contiguous)
	w.Due.Bucket = kapivara.Bucket(bucket)
	return n, w, err
}
