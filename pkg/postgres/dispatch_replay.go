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
	//go:embed sql/dispatch_replay_grown.sql
	replayGrownSQL string
	//go:embed sql/dispatch_replay_stream.sql
	replayStreamSQL string
	//go:embed sql/dispatch_replay_put.sql
	replayPutSQL string
)

const (
	replayPage = 2000 // completed streams that a part of a replay looks at …
	replayLog  = 5000 // … or log positions, where growths are replayed
)

// replaying is a part of a replay in its transaction.
type replaying struct {
	*kapivara.Replay
	tx         pgx.Tx
	subscriber *kapivara.Subscriber
	done       *kapivara.Replayed
}

// Replay does the next part of a replay: see the port in the dispatcher.
func (d *Dispatch) Replay(
	ctx context.Context, hold kapivara.Hold, subscriber string, r *kapivara.Replay, from kapivara.ReplayMark,
) (*kapivara.Replayed, error) {
	done := &kapivara.Replayed{}
	err := d.operate(ctx, hold, subscriber, func(ctx context.Context, tx pgx.Tx, s *kapivara.Subscriber, _ time.Time) error {
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
		if s.Deliver == kapivara.DeliverAppended {
			return part.grown(ctx, from)
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
	var became int64
	err := p.tx.QueryRow(ctx, replayStreamSQL, string(p.Stream), mark.To, p.subscriber.Deliver == kapivara.DeliverAppended).Scan(&became)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		err = errNoStream()
	case became <= mark.After || became > mark.To:
		mark.After = mark.To // nothing of it
	default:
		mark.After, mark.To = became-1, became
	}
	return mark, err
}

// complete does the next part of the streams that were completed in the range.
func (p *replaying) complete(ctx context.Context, from kapivara.ReplayMark) error {
	rows, err := p.tx.Query(ctx, replayCompleteSQL, p.subscriber.No, from.After, from.To, readNull(p.Since), replayPage, p.subscriber.Grown)
	if err != nil {
		return err
	}
	free, n, last, err := replayFree(rows)
	if err != nil {
		return err
	}
	if n == replayPage {
		p.done.Next = &kapivara.ReplayMark{After: last, To: from.To}
	}
	fit, err := gatherFit(ctx, p.tx, &gathering{types: p.subscriber.Types, streams: p.subscriber.Streams}, free)
	if err != nil {
		return err
	}
	return p.put(ctx, fit)
}

// grown does the next part of the log of the range: of each stream the last growth in the range stands for all.
func (p *replaying) grown(ctx context.Context, from kapivara.ReplayMark) error {
	until := min(from.After+replayLog, from.To)
	var kinds []int32
	if !p.subscriber.Types.All() {
		var err error
		if kinds, err = gatherKinds(ctx, p.tx, &gathering{types: p.subscriber.Types}); err != nil {
			return err
		}
	}
	rows, err := p.tx.Query(ctx, replayGrownSQL, p.subscriber.No, from.After, until, readNull(p.Since), from.To, kinds)
	if err != nil {
		return err
	}
	free, _, _, err := replayFree(rows)
	if err != nil {
		return err
	}
	if until < from.To {
		p.done.Next = &kapivara.ReplayMark{After: until, To: from.To}
	}
	free = slices.DeleteFunc(free, func(c gathered) bool { return !p.subscriber.Streams.Fits(string(c.name)) })
	return p.put(ctx, free)
}

// replayFree gives those of the streams that may be sent again, how many there are in all, and the last log position.
func replayFree(rows pgx.Rows) (free []gathered, n int, last int64, err error) {
	err = readEach(rows, func(rows pgx.Rows) error {
		var c gathered
		var is bool
		err := rows.Scan(&c.no, &c.due, &c.name, &c.canary, &is)
		n, last = n+1, max(last, c.due)
		if is {
			free = append(free, c)
		}
		return err
	})
	slices.SortFunc(free, func(a, b gathered) int { return cmp.Compare(a.due, b.due) })
	return free, n, last, err
}

// put notes those streams of the part that are of the bucket asked for, to be sent again.
func (p *replaying) put(ctx context.Context, fit []gathered) error {
	s := p.subscriber
	var due, nos []int64
	var buckets []int16
	for _, c := range fit {
		b := kapivara.BucketOf(c.name.Hash(), c.canary, s.Buckets, s.CanaryBuckets)
		if p.Bucket != nil && *p.Bucket != b {
			continue
		}
		due, nos, buckets = append(due, c.due), append(nos, c.no), append(buckets, int16(b)) //nolint:gosec // at most 1024
		p.done.Bucketed(b)
	}
	if p.done.Count = len(due); p.DryRun || len(due) == 0 {
		p.done.Buckets = nil
		return nil
	}
	_, err := p.tx.Exec(ctx, replayPutSQL, s.No, due, nos, buckets)
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
	batch.Queue(dispatchGrownSQL(dispatchReplaysSQL), subscribers, buckets, after, most).Query(func(rows pgx.Rows) error {
		err := readEach(rows, func(rows pgx.Rows) error {
			n, w, err := dispatchScanGrown(rows)
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
