package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"kapivara/pkg/kapivara"
)

// readWindow is the window of a Reader.
const readWindow = 20_000

// filteredLog looks at one window of the log. The head is read first: kinds, streams and events up to it were committed
// before, so the later statement sees them all and nothing below Next is passed over.
func (r *Reader) filteredLog(ctx context.Context, q kapivara.LogQuery) (kapivara.LogPage, error) {
	page := kapivara.LogPage{Backward: q.Backward}
	if err := r.pool.QueryRow(ctx, "select head from kapivara.log").Scan(&page.Head); err != nil {
		return page, fmt.Errorf("read log: head: %w", translate(err, false))
	}
	low, high := q.After+1, min(page.Head, q.After+r.window) // both included
	page.Next = max(q.After, high)
	if q.Backward {
		high = page.Head
		if q.After > 0 {
			high = min(high, q.After-1)
		}
		low = max(1, high-r.window+1)
		page.Next = low
	}
	if low > high {
		if q.Backward {
			page.Next = min(1, page.Head)
		}
		return page, nil
	}
	rows, err := r.readBuilt(ctx, r.pool, r.filteredLogQuery(q, low, high))
	if err == nil {
		page.Events, err = r.namedEvents(ctx, rows)
	}
	if err != nil {
		return page, fmt.Errorf("read log: filtered: %w", translate(err, false))
	}
	if n := len(page.Events); n > 0 && (n == q.Limit || weightOf(page.Events) >= q.Bytes) {
		page.Next = page.Events[n-1].LogPosition
	}
	return page, nil
}

// filteredLogQuery selects the fitting events of the positions low to high (index events_log), up to limit and weight.
func (r *Reader) filteredLogQuery(q kapivara.LogQuery, low, high int64) *bun.SelectQuery {
	db, order := r.pool.Bun(), "e.log_position"
	if q.Backward {
		order += " desc"
	}
	fitting := db.NewSelect().
		ColumnExpr("e.*, s.name").
		ColumnExpr("sum("+readWeightSQL+") over (order by "+order+" rows unbounded preceding) - "+readWeightSQL+" as before").
		TableExpr("kapivara.events as e").
		Join("join kapivara.streams as s on s.stream_no = e.stream_no").
		Join("join kapivara.kinds as k on k.kind_no = e.kind_no").
		Where("e.log_position between ? and ?", low, high).
		Apply(readFilter("k.type", q.Types), readFilter("k.publisher", q.Publishers), readFilter("s.name", q.Streams)).
		OrderExpr(order).Limit(int64(q.Limit))
	if q.Context != "" {
		fitting.Where("starts_with(s.name, ?)", q.Context+"/")
	}
	if !q.Since.IsZero() {
		fitting.Where("e.recorded >= ?", q.Since)
	}
	if !q.Until.IsZero() {
		fitting.Where("e.recorded <= ?", q.Until)
	}
	return db.NewSelect().ColumnExpr(readEventColumns+", e.name").
		TableExpr("(?) as e", fitting).Where("e.before < ?", q.Bytes).OrderExpr(order)
}

// readFilter keeps the rows whose column fits an entry.
func readFilter(column string, filter kapivara.Filter) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(query *bun.SelectQuery) *bun.SelectQuery {
		if filter == nil || filter.All() {
			return query
		}
		return query.WhereGroup(" and ", func(query *bun.SelectQuery) *bun.SelectQuery {
			var exact []string
			for _, entry := range filter {
				if prefix, ok := strings.CutSuffix(entry, "*"); ok {
					query.WhereOr("starts_with("+column+", ?)", prefix)
				} else {
					exact = append(exact, entry)
				}
			}
			if len(exact) > 0 {
				query.WhereOr(column+" in (?)", bun.List(exact))
			}
			return query
		})
	}
}

// readQuerier is the pool or a transaction.
type readQuerier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// readBuilt runs what bun has built. Its text holds its arguments and is new each time, so it is not kept prepared.
func (r *Reader) readBuilt(ctx context.Context, on readQuerier, query *bun.SelectQuery) (pgx.Rows, error) {
	text, err := query.AppendQuery(r.pool.Bun().QueryGen(), nil)
	if err != nil {
		return nil, fmt.Errorf("build query: %w", err)
	}
	return on.Query(ctx, string(text), pgx.QueryExecModeDescribeExec)
}
