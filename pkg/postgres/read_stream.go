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
	var row readRow
	err := r.pool.QueryRow(ctx, readSQL(readEventSQL, false), idKey(id)).Scan(row.into(&row.stream)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return kapivara.Event{}, kapivara.Refuse(kapivara.NotFound, "no event has this id")
	}
	if err != nil {
		return kapivara.Event{}, fmt.Errorf("read event: %w", translate(err, false))
	}
	events, err := r.events(ctx, []readRow{row}, "")
	if err != nil {
		return kapivara.Event{}, err
	}
	return events[0], nil
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
	var found []readRow
	err = readEach(rows, func(rows pgx.Rows) error {
		var low, high []int32
		var row readRow
		err := rows.Scan(row.into(&page.Version, &page.Contiguous, &page.Finish, &page.Canary, &low, &high)...)
		if low != nil {
			page.Missing = readRanges(low, high)
		}
		if row.position > 0 {
			found = append(found, row)
		}
		return err
	})
	if err != nil {
		return page, fmt.Errorf("read stream: %w", translate(err, false))
	}
	if page.Version == 0 {
		return page, errNoStream()
	}
	if page.Events, err = r.events(ctx, found, q.Stream); err != nil {
		return page, err
	}
	page.More = len(page.Events) > q.Limit
	page.Events = page.Events[:min(len(page.Events), q.Limit)]
	page.More = page.More || weightOf(page.Events) >= q.Bytes && !q.Ends(&page)
	return page, nil
}

func weightOf(events []kapivara.Event) (weight int) {
	for i := range events {
		weight += events[i].Weight()
	}
	return weight
}
