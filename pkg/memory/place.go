package memory

import (
	"context"
	"slices"

	"kapivara/pkg/kapivara"
)

// Place puts the next part of what waits for a subscriber into the buckets in force: see the port in the writer.
func (l *Log) Place(context.Context) (worked bool, finished string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.current.Subscribers {
		switch {
		case s.Moving == nil:
		case s.Moving.Placed < s.Moving.Until:
			moving := *s
			moving.Moving = l.place(s)
			l.replace(s, &moving, l.current.Version)
			return true, "", nil
		default:
			placed := *s
			placed.Moving = nil
			l.replace(s, &placed, l.current.Version+1)
			return true, s.Name, nil
		}
	}
	return false, "", nil
}

// place places a page and gives how far it has come.
func (l *Log) place(s *kapivara.Subscriber) *kapivara.Move {
	m := *s.Moving
	after, left := m.Placed, gatherPage
	m.Placed = m.Until
	for i := range l.outbox {
		d := &l.outbox[i]
		if d.Subscriber != s.No || d.LogPosition <= after || d.LogPosition > m.Until {
			continue
		}
		if left == 0 {
			break
		}
		name, stored := l.streamOf(d.Stream)
		d.Bucket = s.Layout().BucketOf(name, stored.canary)
		l.feeds.placed(*d)
		if left--; left == 0 {
			m.Placed = d.LogPosition
		}
	}
	return &m
}

func (l *Log) streamOf(no int64) (kapivara.Stream, *stream) {
	for name, s := range l.streams {
		if s.no == no {
			return name, s
		}
	}
	return "", &stream{}
}

// replace puts another record in the place of a subscriber's, in a registry of this version.
func (r *Registry) replace(s, by *kapivara.Subscriber, version int64) {
	next := *r.current
	next.Version = version
	next.Subscribers = slices.Clone(next.Subscribers)
	next.Subscribers[slices.Index(next.Subscribers, s)] = by
	r.become(&next)
}
