package memory

import (
	"context"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// Log is the log in memory, with the registry under the same lock. It is made by NewLog.
type Log struct {
	*Registry
	events  []kapivara.Event // the log position is the index + 1
	byID    map[kapivara.EventID]int64
	streams map[kapivara.Stream]*stream
	outbox  []kapivara.Due
	tag     int64
	feeds   *Dispatch // nil where nobody delivers what is due
}

// stream is a stored stream.
type stream struct {
	no        int64
	canary    bool
	completed int64
	at        map[int]int64 // log positions by position
}

// NewLog makes an empty one. now is the store's clock.
func NewLog(open bool, now func() time.Time) *Log {
	l := &Log{
		Registry: NewRegistry(open, now), byID: map[kapivara.EventID]int64{}, streams: map[kapivara.Stream]*stream{},
	}
	l.backlog, l.removed = l.completedIn, l.forget
	return l
}

// Events gives the log so far.
func (l *Log) Events() []kapivara.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// Due gives what has become due so far, in log order.
func (l *Log) Due() []kapivara.Due {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.outbox)
}

func (l *Log) completedIn(after, until int64) bool {
	for _, s := range l.streams {
		if s.completed > after && s.completed <= until {
			return true
		}
	}
	return false
}

func (l *Log) tip() kapivara.Tip {
	return kapivara.Tip{Head: l.head, Streams: int64(len(l.streams)), Registry: l.current.Version, Tag: l.tag}
}

// Tip is the log's end and the registry: see the port in the writer.
func (l *Log) Tip(context.Context) (kapivara.Tip, *kapivara.Registry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tip(), l.current, nil
}

// Begin stores the batch at once, or finds that it must be decided again: see the port in the writer.
func (l *Log) Begin(_ context.Context, b *kapivara.Batch) func() (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	recorded, err := l.write(b)
	return func() (time.Time, error) { return recorded, err }
}

// Exclusive runs do under the log's lock. What do has written stays, so it returns an error only before it writes.
func (l *Log) Exclusive(ctx context.Context, do func(ctx context.Context, tx *LockedLog) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return do(ctx, &LockedLog{l})
}

// Heads reads stream heads: see the port in the writer.
func (l *Log) Heads(_ context.Context, streams []kapivara.Stream, types bool) (map[kapivara.Stream]*kapivara.Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heads(streams, types), nil
}

// Known reads what is stored under ids and at positions: see the port in the writer.
func (l *Log) Known(_ context.Context, appends []*kapivara.Append) ([]kapivara.Known, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known(appends), l.current.Version, nil
}

func (l *Log) heads(names []kapivara.Stream, types bool) map[kapivara.Stream]*kapivara.Head {
	heads := map[kapivara.Stream]*kapivara.Head{}
	for _, name := range names {
		s := l.streams[name]
		if s == nil {
			continue
		}
		h := &kapivara.Head{No: s.no, Stream: name, Canary: s.canary, Completed: s.completed}
		for _, log := range s.at {
			e := &l.events[log-1]
			h.Add(e.Position, false)
			if e.Final {
				h.Finish = e.Position
			}
			if types {
				h.AddType(e.Type, e.Position)
			}
		}
		h.Saved = h.Contiguous
		heads[name] = h
	}
	return heads
}

func (l *Log) known(appends []*kapivara.Append) []kapivara.Known {
	all := make([]kapivara.Known, len(appends))
	for n, a := range appends {
		k := kapivara.Known{ByID: map[kapivara.EventID]*kapivara.Event{}, At: map[int]kapivara.EventID{}}
		for i := range a.Events {
			e := &a.Events[i]
			if log, ok := l.byID[e.ID]; ok {
				k.ByID[e.ID] = &l.events[log-1]
			}
			if s := l.streams[a.Stream]; s != nil && s.at[e.Position] > 0 {
				k.At[e.Position] = l.events[s.at[e.Position]-1].ID
			}
		}
		all[n] = k
	}
	return all
}
