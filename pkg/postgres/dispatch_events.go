package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// dispatchLightest is less than the weight of any event.
const dispatchLightest = 300

// Events reads the stretches one after another. Those that certainly pass the limit are not read at all; of the others
// no data is sent beyond it.
func (d *Dispatch) Events(ctx context.Context, stretches []kapivara.Stretch, limit int, each func(int, []kapivara.Event) error) error {
	var streams []int64
	var low, high, place []int32
	for i, s := range stretches {
		if (s.To-s.From+1)*dispatchLightest <= limit {
			streams, place = append(streams, s.Stream), append(place, int32(i)) //nolint:gosec // hundreds
			low, high = append(low, int32(s.From)), append(high, int32(s.To))   //nolint:gosec // positions
		}
	}
	rows, err := d.pool.Query(ctx, dispatchSQL(dispatchEventsSQL), streams, low, high, place, limit)
	if err != nil {
		return dispatchError("read events", err, false)
	}
	b := dispatchBodies{stretches: stretches, limit: limit, each: each}
	err = readEach(rows, func(rows pgx.Rows) error {
		var n, weighed int
		var row readRow
		if err := rows.Scan(append([]any{&n, &weighed}, row.into()...)...); err != nil {
			return err
		}
		return b.add(n, weighed, &row)
	})
	if err == nil {
		err = b.upTo(len(stretches))
	}
	if err != nil {
		return dispatchError("read events", err, false)
	}
	return nil
}

// dispatchBodies collects the rows of one stretch after another and hands each on when the next one begins.
type dispatchBodies struct {
	stretches []kapivara.Stretch
	limit     int
	each      func(int, []kapivara.Event) error
	at        int // the stretch that is being collected
	events    []kapivara.Event
	heavy     bool
}

func (b *dispatchBodies) add(n, weighed int, row *readRow) error {
	if n < b.at {
		return fmt.Errorf("stretch %d came after stretch %d", n, b.at)
	}
	if err := b.upTo(n); err != nil {
		return err
	}
	if weighed > b.limit {
		b.heavy, b.events = true, nil
	}
	if !b.heavy {
		if b.events == nil {
			b.events = make([]kapivara.Event, 0, b.stretches[n].To-b.stretches[n].From+1)
		}
		b.events = append(b.events, row.event(b.stretches[n].Name))
	}
	return nil
}

// upTo hands on the stretches before n. One of which nothing was read is too long.
func (b *dispatchBodies) upTo(n int) error {
	for ; b.at < n; b.at++ {
		if err := b.each(b.at, b.events); err != nil {
			return err
		}
		b.events, b.heavy = nil, false
	}
	return nil
}
