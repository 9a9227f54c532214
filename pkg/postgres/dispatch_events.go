package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
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
	err = readEach(rows, func(rows pgx.Rows) error { return b.add(rows.RawValues()) })
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

	kind, publisher string // of the row before
}

// add takes a row as the server sent it, in binary form; its bytes are good until the next row.
func (b *dispatchBodies) add(row [][]byte) error {
	if len(row) != dispatchEventColumns || len(row[0]) != 4 || len(row[1]) != 8 {
		return errors.New("the row of an event has another form")
	}
	n, weighed := int(binary.BigEndian.Uint32(row[0])), int64(binary.BigEndian.Uint64(row[1])) //nolint:gosec // not negative
	if n < b.at {
		return fmt.Errorf("stretch %d came after stretch %d", n, b.at)
	}
	if err := b.upTo(n); err != nil {
		return err
	}
	if weighed > int64(b.limit) {
		b.heavy, b.events = true, nil
	}
	if b.heavy {
		return nil
	}
	stretch := &b.stretches[n]
	if b.events == nil {
		b.events = make([]kapivara.Event, 0, stretch.To-stretch.From+1)
	}
	b.events = append(b.events, kapivara.Event{})
	return b.read(&b.events[len(b.events)-1], stretch.Name, row[2:])
}

// dispatchEventColumns are those of dispatch_events.sql.
const dispatchEventColumns = 13

// read makes an event of the columns from log_position on.
func (b *dispatchBodies) read(e *kapivara.Event, stream kapivara.Stream, c [][]byte) error {
	if len(c[0]) != 8 || len(c[1]) != 8 || len(c[2]) != 4 || len(c[3]) != 2 {
		return errors.New("the row of an event has another form")
	}
	if string(c[4]) != b.kind || string(c[5]) != b.publisher { // as a rule they are those of the row before
		b.kind, b.publisher = string(c[4]), string(c[5])
	}
	flags := binary.BigEndian.Uint16(c[3])
	e.Stream, e.Type, e.Publisher = stream, b.kind, b.publisher
	e.LogPosition = int64(binary.BigEndian.Uint64(c[0]))                //nolint:gosec // not negative
	e.Recorded = fromMicroseconds(int64(binary.BigEndian.Uint64(c[1]))) //nolint:gosec // two's complement
	e.Position = int(binary.BigEndian.Uint32(c[2]))
	e.Final = flags&readFinal != 0
	switch {
	case flags&readJSON != 0:
		e.Kind = kapivara.JSONData
	case flags&readBinary != 0:
		e.Kind = kapivara.BinaryData
	}
	e.ID, e.Time = idFromKey(c[6]), string(c[7])
	if e.Source = string(c[8]); c[8] == nil {
		e.Source = kapivara.DefaultSource(stream, e.Publisher)
	}
	e.Attributes, e.Data = bytes.Clone(c[9]), bytes.Clone(c[10])
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
