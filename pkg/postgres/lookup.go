package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// querier is a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

func lookupHeads(ctx context.Context, q querier, streams []kapivara.Stream, types bool) (map[kapivara.Stream]*kapivara.Head, error) {
	rows, err := q.Query(ctx, sqlLookupHeads, streams, types)
	if err != nil {
		return nil, translate(fmt.Errorf("look up streams: %w", err), false)
	}
	heads := make(map[kapivara.Stream]*kapivara.Head, len(streams))
	var h kapivara.Head
	var above, firsts []int32
	var names []string
	_, err = pgx.ForEachRow(rows, []any{
		&h.Stream, &h.No, &h.Contiguous, &h.Finish, &h.Completed, &h.Canary, &above, &names, &firsts,
	}, func() error {
		head := h
		for i, name := range names {
			head.AddType(name, int(firsts[i]))
		}
		head.Saved, head.Version = h.Contiguous, h.Contiguous
		finish := head.Finish
		for _, p := range above {
			head.Add(int(p), false)
		}
		head.Finish = finish
		heads[head.Stream] = &head
		h = kapivara.Head{}
		return nil
	})
	if err != nil {
		return nil, translate(fmt.Errorf("look up streams: %w", err), false)
	}
	return heads, nil
}

// lookupKnown reads the ids, the positions, then the version of the registry: when that is still the caller's, the
// registry was the caller's all along.
func lookupKnown(ctx context.Context, q querier, appends []*kapivara.Append) ([]kapivara.Known, int64, error) {
	var ids [][]byte
	var names []kapivara.Stream
	var positions []int
	for _, a := range appends {
		for i := range a.Events {
			ids = append(ids, idKey(a.Events[i].ID))
			if p := a.Events[i].Position; p > 0 {
				names, positions = append(names, a.Stream), append(positions, p)
			}
		}
	}
	stored := map[kapivara.EventID]*kapivara.Event{}
	at := map[kapivara.Stream]map[int]kapivara.EventID{}
	var registry int64
	batch := &pgx.Batch{}
	batch.Queue(sqlLookupIDs, ids).Query(func(rows pgx.Rows) error { return scanIDs(rows, stored) })
	if len(names) > 0 {
		batch.Queue(sqlLookupPositions, names, positions).Query(func(rows pgx.Rows) error { return scanPositions(rows, at) })
	}
	batch.Queue("select registry from kapivara.log").QueryRow(func(row pgx.Row) error { return row.Scan(&registry) })
	if err := q.SendBatch(ctx, batch).Close(); err != nil {
		return nil, 0, translate(fmt.Errorf("look up ids: %w", err), false)
	}
	return shareKnown(appends, stored, at), registry, nil
}

// shareKnown gives each append its part of what was found.
func shareKnown(
	appends []*kapivara.Append, stored map[kapivara.EventID]*kapivara.Event, at map[kapivara.Stream]map[int]kapivara.EventID,
) []kapivara.Known {
	known := make([]kapivara.Known, len(appends))
	for n, a := range appends {
		known[n] = kapivara.Known{ByID: map[kapivara.EventID]*kapivara.Event{}, At: map[int]kapivara.EventID{}}
		for i := range a.Events {
			if e := stored[a.Events[i].ID]; e != nil {
				known[n].ByID[e.ID] = e
			}
			if id, ok := at[a.Stream][a.Events[i].Position]; ok {
				known[n].At[a.Events[i].Position] = id
			}
		}
	}
	return known
}

func scanIDs(rows pgx.Rows, stored map[kapivara.EventID]*kapivara.Event) error {
	var e kapivara.Event
	var key []byte
	var flags int16
	_, err := pgx.ForEachRow(rows, []any{
		&key, &e.Stream, &e.Type, &e.Publisher, &e.Position, &flags, &e.Data, &e.LogPosition,
	}, func() error {
		event := e
		event.ID = idFromKey(key)
		setEventFlags(&event.NewEvent, flags)
		stored[event.ID] = &event
		e.Data = nil
		return nil
	})
	return err
}

func scanPositions(rows pgx.Rows, at map[kapivara.Stream]map[int]kapivara.EventID) error {
	var name kapivara.Stream
	var position int
	var key []byte
	_, err := pgx.ForEachRow(rows, []any{&name, &position, &key}, func() error {
		if at[name] == nil {
			at[name] = map[int]kapivara.EventID{}
		}
		at[name][position] = idFromKey(key)
		return nil
	})
	return err
}
