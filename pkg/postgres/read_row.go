package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// Flags of an event (schema/migrations/0001_store.tx.up.sql).
const (
	readFinal  = 1
	readJSON   = 2
	readBinary = 4
)

// readRow takes the columns of an event, and the stream's name; its kind's names come behind. Null is 0 or "": the position of no event is 0.
type readRow struct {
	logPosition              int64
	recorded                 time.Time
	position, kindNo         int32
	kind, publisher          string
	flags                    int16
	id, data, attributes     []byte
	occurred, source, stream string
}

// into takes readEventColumns, and those that come behind them.
func (r *readRow) into(more ...any) []any {
	return append([]any{
		&r.logPosition, &r.recorded, &r.position, &r.kindNo, &r.flags, &r.id, &r.occurred, &r.source, &r.attributes, &r.data,
	}, more...)
}

// event is the row, whose kind is known, as an event of the stream.
func (r *readRow) event(stream kapivara.Stream) kapivara.Event {
	e := kapivara.Event{
		Stream: stream, Publisher: r.publisher, Recorded: r.recorded.UTC(), LogPosition: r.logPosition,
		NewEvent: kapivara.NewEvent{
			ID: idFromKey(r.id), Type: r.kind, Source: r.source, Time: r.occurred, Position: int(r.position),
			Final: r.flags&readFinal != 0, Data: r.data,
		},
	}
	switch {
	case r.flags&readJSON != 0:
		e.Kind = kapivara.JSONData
	case r.flags&readBinary != 0:
		e.Kind = kapivara.BinaryData
	}
	if len(r.attributes) > 0 {
		e.Attributes = r.attributes
	}
	if e.Source == "" {
		e.Source = kapivara.DefaultSource(stream, e.Publisher)
	}
	return e
}

// readKind is a pair of event type and publisher.
type readKind struct{ name, publisher string }

// readKinds are the kinds seen so far. They are never changed or removed, so what is known stays true; and a kind is
// there before the first event that names it.
type readKinds struct {
	mu    sync.RWMutex
	known map[int32]readKind
}

// missing lists the rows' kinds that are not known.
func (k *readKinds) missing(rows []readRow) []int32 {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var unknown []int32
	for i := range rows {
		if _, known := k.known[rows[i].kindNo]; !known {
			unknown = append(unknown, rows[i].kindNo)
		}
	}
	return unknown
}

// events makes events of the rows; stream is their stream, or "" where each row has its name.
func (r *Reader) events(ctx context.Context, rows []readRow, stream kapivara.Stream) ([]kapivara.Event, error) {
	if unknown := r.kinds.missing(rows); len(unknown) > 0 {
		if err := r.loadKinds(ctx, unknown); err != nil {
			return nil, err
		}
	}
	events := make([]kapivara.Event, len(rows))
	r.kinds.mu.RLock()
	defer r.kinds.mu.RUnlock()
	for i := range rows {
		of := stream
		if of == "" {
			of = kapivara.Stream(rows[i].stream)
		}
		kind := r.kinds.known[rows[i].kindNo]
		rows[i].kind, rows[i].publisher = kind.name, kind.publisher
		events[i] = rows[i].event(of)
	}
	return events, nil
}

func (r *Reader) loadKinds(ctx context.Context, numbers []int32) error {
	rows, err := r.pool.Query(ctx, "select kind_no, type, publisher from kapivara.kinds where kind_no = any ($1)", numbers)
	if err != nil {
		return fmt.Errorf("read kinds: %w", translate(err, false))
	}
	err = readEach(rows, func(rows pgx.Rows) error {
		var number int32
		var kind readKind
		err := rows.Scan(&number, &kind.name, &kind.publisher)
		if err == nil {
			r.kinds.mu.Lock()
			r.kinds.known[number] = kind
			r.kinds.mu.Unlock()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read kinds: %w", translate(err, false))
	}
	return nil
}
