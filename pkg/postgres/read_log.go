package postgres

import (
	"context"
	_ "embed"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

//go:embed sql/read_log.sql
var readLogSQL string

// Log reads the log from where the query stands. A filtered query looks at a stretch of bounded length, so that no
// request reads without end; the page says how far it has looked, and may be empty while the log goes on.
func (r *Reader) Log(ctx context.Context, q kapivara.LogQuery) (kapivara.LogPage, error) {
	if q.Filtered() {
		return r.filteredLog(ctx, q)
	}
	page := kapivara.LogPage{Backward: q.Backward}
	from := q.After
	if q.Backward && from == 0 {
		from = math.MaxInt64
	}
	if err := r.pool.QueryRow(ctx, "select head from kapivara.log").Scan(&page.Head); err != nil {
		return page, fmt.Errorf("read log: head: %w", translate(err, false))
	}
	most := min(q.Limit, q.Bytes/kapivara.EventWeight+1)
	rows, err := r.pool.Query(ctx, readSQL(readLogSQL, q.Backward), from, most, q.Bytes)
	if err == nil {
		page.Events, err = r.namedEvents(ctx, rows)
	}
	if err != nil {
		return page, fmt.Errorf("read log: %w", translate(err, false))
	}
	for i := range page.Events {
		page.Head = max(page.Head, page.Events[i].LogPosition) // committed since the head was read
	}
	page.Next = readNext(&page, q)
	return page, nil
}

// namedEvents reads rows of events that have the name of their stream.
func (r *Reader) namedEvents(ctx context.Context, rows pgx.Rows) ([]kapivara.Event, error) {
	var found []readRow
	err := readEach(rows, func(rows pgx.Rows) error {
		found = append(found, readRow{})
		row := &found[len(found)-1]
		return rows.Scan(row.into(&row.stream)...)
	})
	if err != nil {
		return nil, err
	}
	return r.events(ctx, found, "")
}

// readNext is how far a page without filters has looked: to its last event, or to the end where it has none.
func readNext(page *kapivara.LogPage, q kapivara.LogQuery) int64 {
	switch {
	case len(page.Events) > 0:
		return page.Events[len(page.Events)-1].LogPosition
	case !q.Backward:
		return q.After // at or beyond the head
	default:
		return min(1, page.Head) // nothing is below
	}
}
