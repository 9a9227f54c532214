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
	rows, err := r.pool.Query(ctx, readSQL(readLogSQL, q.Backward), from, q.Limit, q.Bytes)
	if err != nil {
		return page, fmt.Errorf("read log: %w", translate(err, false))
	}
	err = readEach(rows, func(rows pgx.Rows) error {
		var found bool
		var name *string
		var row readRow
		err := rows.Scan(append([]any{&page.Head, &found, &name}, row.into()...)...)
		if err == nil && found {
			page.Events = append(page.Events, row.event(kapivara.Stream(*name)))
		}
		return err
	})
	if err != nil {
		return page, fmt.Errorf("read log: %w", translate(err, false))
	}
	page.Next = readNext(&page, q)
	return page, nil
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
