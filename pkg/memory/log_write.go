package memory

import (
	"context"
	"fmt"
	"time"

	"kapivara/pkg/kapivara"
)

// LockedLog is the log under its lock.
type LockedLog struct{ log *Log }

// Tip is the log's end and the registry.
func (t *LockedLog) Tip(context.Context) (kapivara.Tip, *kapivara.Registry, error) {
	return t.log.tip(), t.log.current, nil
}

// Heads reads stream heads.
func (t *LockedLog) Heads(_ context.Context, streams []kapivara.Stream, types bool) (map[kapivara.Stream]*kapivara.Head, error) {
	return t.log.heads(streams, types), nil
}

// Known reads what is stored under ids and at positions.
func (t *LockedLog) Known(_ context.Context, appends []*kapivara.Append) ([]kapivara.Known, int64, error) {
	return t.log.known(appends), t.log.current.Version, nil
}

// Register sets what an open registry does not know yet.
func (t *LockedLog) Register(_ context.Context, publisher string, newPublisher bool, types []string) (*kapivara.Registry, error) {
	var c kapivara.Change
	if newPublisher {
		p := kapivara.NewPublisher(publisher)
		c.SetPublisher = &p
		t.log.apply(c)
	}
	for _, name := range types {
		t.log.apply(kapivara.Change{SetType: &kapivara.EventType{Type: name, Publisher: publisher}})
	}
	return t.log.current, nil
}

// Write stores a batch that was decided under the lock.
func (t *LockedLog) Write(_ context.Context, b *kapivara.Batch) (time.Time, error) {
	return t.log.write(b)
}

// write stores all of the batch or nothing. It checks for itself what the store's constraints hold.
func (l *Log) write(b *kapivara.Batch) (time.Time, error) {
	if b.After != l.tip() {
		return time.Time{}, kapivara.ErrMoved
	}
	names := map[int64]kapivara.Stream{}
	for name, s := range l.streams {
		names[s.no] = name
	}
	for _, h := range b.New {
		if l.streams[h.Stream] != nil {
			return time.Time{}, kapivara.ErrTaken
		}
		names[h.No] = h.Stream
	}
	for i := range b.Events {
		e := &b.Events[i]
		if e.LogPosition != l.head+int64(i)+1 {
			return time.Time{}, fmt.Errorf("log position %d is not the next one", e.LogPosition)
		}
		s := l.streams[names[e.Stream]]
		if l.byID[e.ID] > 0 || s != nil && s.at[e.Position] > 0 {
			return time.Time{}, kapivara.ErrTaken
		}
	}
	return l.store(b, names), nil
}

func (l *Log) store(b *kapivara.Batch, names map[int64]kapivara.Stream) time.Time {
	recorded := l.now()
	for _, h := range b.New {
		l.streams[h.Stream] = &stream{no: h.No, canary: h.Canary, completed: h.Completed, at: map[int]int64{}}
	}
	for _, h := range b.Grown {
		l.streams[h.Stream].completed = h.Completed
	}
	for i := range b.Events {
		e := &b.Events[i]
		name := names[e.Stream]
		stored := kapivara.Event{NewEvent: *e.NewEvent, Stream: name, Publisher: l.publisherOf(e.Kind), Recorded: recorded, LogPosition: e.LogPosition}
		stored.Position = e.Position
		if stored.Source == "" {
			stored.Source = kapivara.DefaultSource(name, stored.Publisher)
		}
		l.events = append(l.events, stored)
		l.byID[e.ID] = e.LogPosition
		l.streams[name].at[e.Position] = e.LogPosition
	}
	l.feeds.stored(b, l.events[l.head:])
	l.head += int64(len(b.Events))
	l.outbox = append(l.outbox, b.Due...)
	l.tag = b.Tag
	return recorded
}

func (l *Log) publisherOf(kind int32) string {
	for key, no := range l.kinds {
		if no == kind {
			return key.Publisher
		}
	}
	return ""
}
