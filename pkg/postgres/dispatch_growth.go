package postgres

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/dispatch_lanes_grown.sql
	dispatchLanesGrownSQL string
	//go:embed sql/dispatch_freed.sql
	dispatchFreedSQL string
	//go:embed sql/dispatch_growth.sql
	dispatchGrowthSQL string
	//go:embed sql/dispatch_held.sql
	dispatchHeldSQL string
	//go:embed sql/dispatch_held_whole.sql
	dispatchHeldWholeSQL string
	//go:embed sql/dispatch_cover.sql
	dispatchCoverSQL string
	//go:embed sql/dispatch_drop.sql
	dispatchDropSQL string
)

const (
	// dispatchGrown are the columns of dispatchWaiting, and those of dispatch_growth.sql: the row of an open stream is a
	// lower bound.
	dispatchGrown = `o.stream_no, s.name, s.canary, greatest(s.version, g.version), coalesce(s.finish, 0), s.completed is not null,
       o.cause, coalesce(o.grown, 0), g.contiguous, g.delivered`
	// dispatchFirst tells that no growth of its stream waits before a row o.
	dispatchFirst = `(o.cause <> 2 or not exists (select from kapivara.outbox e
                              where e.stream_no = o.stream_no and e.subscriber_no = o.subscriber_no and e.cause = 2 and e.due < o.due))`
	// dispatchWholeFirst tells that no growth of its stream waits before a row o that is a whole stream.
	dispatchWholeFirst = `(o.cause <> 1 or not exists (select from kapivara.outbox e
                              where e.stream_no = o.stream_no and e.subscriber_no = o.subscriber_no and e.cause = 2 and e.due < o.due))`
)

func dispatchGrownSQL(statement string) string {
	return strings.NewReplacer("{grown}", dispatchGrown, "{first}", dispatchFirst, "{whole_first}", dispatchWholeFirst, "{held}", dispatchHeldSQL, "{held_whole}", dispatchHeldWholeSQL,
		"{growth}", strings.ReplaceAll(dispatchGrowthSQL, "{contiguous}", streamContiguousSQL)).Replace(statement)
}

func dispatchScanGrown(rows pgx.Rows) (n int, w kapivara.Waiting, err error) {
	var contiguous, delivered int
	n, w, err = dispatchScanWaiting(rows, &contiguous, &delivered)
	w.Contiguous, w.Delivered = contiguous, delivered
	return n, w, err
}

// dispatchAskFreed asks for what waits of the streams of which a delivery may have been settled.
func dispatchAskFreed(batch *pgx.Batch, lanes []kapivara.LaneQuery, look *kapivara.Look) {
	var place []int
	var subscribers []int32
	var streams []int64
	for i, q := range lanes {
		for _, stream := range q.Freed {
			place = append(place, i)
			subscribers, streams = append(subscribers, q.Subscriber), append(streams, stream)
		}
	}
	if len(place) == 0 {
		return
	}
	batch.Queue(dispatchGrownSQL(dispatchFreedSQL), subscribers, streams).Query(func(rows pgx.Rows) error {
		err := readEach(rows, func(rows pgx.Rows) error {
			n, w, err := dispatchScanGrown(rows)
			if err == nil {
				work := &look.Lanes[place[n-1]]
				work.Freed = append(work.Freed, w)
			}
			return err
		})
		for _, i := range place {
			slices.SortFunc(look.Lanes[i].Freed, func(a, b kapivara.Waiting) int { return cmp.Compare(a.LogPosition, b.LogPosition) })
		}
		return err
	})
}

// dispatchQueueGrowths takes away what waits no longer, since deliveries hold it.
func dispatchQueueGrowths(batch *pgx.Batch, t *kapivara.Turn) {
	var streams, due []int64
	var of, subscribers, last []int32
	for _, l := range t.Leases {
		if l.Cause == kapivara.CauseAppended {
			streams, of, last = append(streams, l.Due.Stream), append(of, l.Due.Subscriber), append(last, int32(l.To)) //nolint:gosec // a position
		}
	}
	if len(streams) > 0 {
		batch.Queue(dispatchCoverSQL, streams, of, last)
	}
	for _, d := range t.Drops {
		due, subscribers = append(due, d.LogPosition), append(subscribers, d.Subscriber)
	}
	if len(due) > 0 {
		batch.Queue(dispatchDropSQL, due, subscribers)
	}
}
