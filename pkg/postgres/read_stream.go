package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

//go:embed sql/read_event.sql
var readEventSQL string

//go:embed sql/read_stream.sql
var readStreamSQL string

// Event reads one event by its id; not_found where there is none.
func (r *Reader) Event(ctx context.Context, id kapivara.EventID) (kapivara.Event, error) {
	var name string
	var row readRow
	err := r.pool.QueryRow(ctx, readSQL(readEventSQL, false), idKey(id)).Scan(append([]any{&name}, row.into()...)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return kapivara.Event{}, kapivara.Refuse(kapivara.NotFound, "no event has this id")
	}
	if err != nil {
		return kapivara.Event{}, fmt.Errorf("read event: %w", translate(err, false))
	}
	return row.event(kapivara.Stream(name)), nil
}

// Stream reads a page of a stream; not_found where no event of it is stored. The page and the stream's state are of one
// snapshot.
func (r *Reader) Stream(ctx context.Context, q kapivara.StreamQuery) (kapivara.StreamPage, error) {
	page := kapivara.StreamPage{StreamState: kapivara.StreamState{Stream: q.Stream}}
	low, high := q.Stretch()
	rows, err := r.pool.Query(ctx, readSQL(readStreamSQL, q.Backward), string(q.Stream), low, high,
		readNull(q.Since), readNull(q.Until), q.Limit+1, q.Bytes)
	if err != nil {
		return page, fmt.Errorf("read stream: %w", translate(err, false))
	}
	weight := 0
	err = readEach(rows, func(rows pgx.Rows) error {
		var holesLow, holesHigh []int32
		var found bool
		var row readRow
		err := rows.Scan(append([]any{
			&page.Version, &page.Contiguous, &page.Finish, &page.Canary, &holesLow, &holesHigh, &found,
		}, row.into()...)...)
		if holesLow != nil {
			page.Missing = readRanges(holesLow, holesHigh)
		}
		if err == nil && found {
			page.Events = append(page.Events, row.event(q.Stream))
			weight += page.Events[len(page.Events)-1].Weight()
		}
		return err
	})
	if err != nil {
		return page, fmt.Errorf("read stream: %w", translate(err, false))
	}
	if page.Version == 0 {
		return page, errNoStream()
	}
	page.More = readMore(&page.Events, q.Limit) || weight >= q.Bytes && !q.Ends(&page)
	return page, nil
}

// readMore cuts the one event that was read beyond the limit, and tells whether it was there.
func readMore(events *[]kapivara.Event, limit int) bool {
	if len(*events) <= limit {
		return false
	}
	*events = (*events)[:limit]
	return true
}
