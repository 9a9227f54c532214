package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"kapivara/pkg/kapivara"
)

// readScan is how many streams one statement looks at where idle or holes pass over some.
const readScan = 1000

// readLately is how many positions below the version are looked at for the time of the latest recording of an open
// stream. A hole further down that was filled meanwhile is not seen; a stream of millions is not read for its list.
const readLately = 1000

// Streams lists streams by name. With idle or holes it looks at a bounded number of streams, so a page may hold fewer
// than the limit, or none, and still have a Next.
func (r *Reader) Streams(ctx context.Context, q kapivara.StreamsQuery) (kapivara.StreamsPage, error) {
	var page kapivara.StreamsPage
	look := q.Limit + 1
	if q.Idle > 0 || q.Holes {
		look = max(look, readScan)
	}
	rows, err := r.readBuilt(ctx, r.pool, r.streamsQuery(q, look))
	if err != nil {
		return page, fmt.Errorf("read streams: %w", translate(err, false))
	}
	seen, full, last := 0, false, kapivara.Stream("")
	err = readEach(rows, func(rows pgx.Rows) error {
		var s kapivara.StreamState
		var low, high []int32
		var now time.Time
		err := rows.Scan(&s.Stream, &s.Version, &s.Contiguous, &s.Finish, &s.Canary, &low, &high, &s.LastRecorded, &now)
		if seen++; err != nil || full {
			return err
		}
		if len(page.Streams) == q.Limit {
			full = true
			return nil
		}
		s.Missing = readRanges(low, high)
		last = s.Stream
		if (!q.Holes || s.Missing != nil) && (q.Idle == 0 || !s.LastRecorded.After(now.Add(-q.Idle))) {
			page.Streams = append(page.Streams, s)
		}
		return nil
	})
	if err != nil {
		return page, fmt.Errorf("read streams: %w", translate(err, false))
	}
	if full || seen == look {
		page.Next = last
	}
	return page, nil
}

// streamsQuery selects streams with their heads (indexes streams_name, or streams_open by name).
func (r *Reader) streamsQuery(q kapivara.StreamsQuery, look int) *bun.SelectQuery {
	db := r.pool.Bun()
	named := db.NewSelect().TableExpr("kapivara.streams as s").ColumnExpr("s.*").
		OrderExpr("s.name").Limit(int64(look))
	for _, prefix := range [...]string{q.Prefix, readContext(q.Context)} {
		if prefix == "" {
			continue
		}
		named.Where("s.name >= ? and starts_with(s.name, ?)", prefix, prefix)
		if end := readAfterPrefix(prefix); end != "" {
			named.Where("s.name < ?", end)
		}
	}
	if q.After != "" {
		named.Where("s.name > ?", string(q.After))
	}
	switch q.State {
	case kapivara.Open:
		named.Where("s.completed is null")
	case kapivara.Complete:
		named.Where("s.completed is not null")
	}
	return db.NewSelect().TableExpr("(?) as s", named).
		ColumnExpr("s.name, h.version, h.contiguous, coalesce(s.finish, 0), s.canary, h.low, h.high, t.recorded, now()").
		Join(readHeadSQL).
		Join(`cross join lateral (
			select greatest(max(e.recorded), (select c.recorded from kapivara.events c where c.log_position = s.completed)) as recorded
			  from kapivara.events e
			 where e.stream_no = s.stream_no and e.position > h.version - ?) t`, readLately).
		OrderExpr("s.name")
}

func readContext(context string) string {
	if context == "" {
		return ""
	}
	return context + "/"
}

// readAfterPrefix is the lowest text in byte order above all that begin with the prefix, "" where it can't be named: the
// last ASCII character is raised by one, and what follows it is dropped.
func readAfterPrefix(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0x7e {
			return prefix[:i] + string(rune(prefix[i]+1))
		}
		if prefix[i] >= 0x80 {
			return ""
		}
	}
	return ""
}
