package memory

import (
	"cmp"
	"context"
	"slices"

	"kapivara/pkg/kapivara"
)

// gathering is a subscriber's backlog: what became due in (after, until] by the mode and the filters with which it was set.
type gathering struct {
	after, until   int64
	deliver        kapivara.Mode
	types, streams kapivara.Filter
}

// gatherPage is small, so that tests go through several parts.
const gatherPage = 3

// Gather works off the next part of one backlog: see the port in the writer.
func (l *Log) Gather(context.Context) (worked bool, finished string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.current.Subscribers {
		g := l.behind[s.No]
		switch {
		case g == nil:
		case g.after < g.until:
			l.gather(s, g)
			return true, "", nil
		default:
			l.gathered(s)
			return true, s.Name, nil
		}
	}
	return false, "", nil
}

func (l *Log) gather(s *kapivara.Subscriber, g *gathering) {
	then := *s
	then.Deliver, then.Types, then.Streams = g.deliver, g.types, g.streams
	only := &kapivara.Registry{Subscribers: []*kapivara.Subscriber{&then}}
	before := len(l.outbox)
	if g.deliver == kapivara.DeliverAppended {
		l.gatherGrown(g, only)
	} else {
		l.gatherCompleted(g, only)
	}
	l.feeds.gathered(l.outbox[before:])
	slices.SortStableFunc(l.outbox, func(a, b kapivara.Due) int {
		return cmp.Or(cmp.Compare(a.LogPosition, b.LogPosition), cmp.Compare(a.Subscriber, b.Subscriber))
	})
}

func (l *Log) gatherCompleted(g *gathering, only *kapivara.Registry) {
	var due []*kapivara.Head
	for name, stored := range l.streams {
		if stored.completed > g.after && stored.completed <= g.until {
			due = append(due, l.heads([]kapivara.Stream{name}, true)[name])
		}
	}
	slices.SortFunc(due, func(a, b *kapivara.Head) int { return cmp.Compare(a.Completed, b.Completed) })
	g.after = g.until
	if len(due) > gatherPage {
		due = due[:gatherPage]
		g.after = due[gatherPage-1].Completed
	}
	for _, h := range due {
		l.outbox = append(l.outbox, only.Due(h, h.Completed, 0)...)
	}
}

// gathered ends a backlog, which changes the registry.
func (l *Log) gathered(s *kapivara.Subscriber) {
	delete(l.behind, s.No)
	done := *s
	done.Behind = false
	l.replace(s, &done, l.current.Version+1)
}

// forget takes away what waits for a subscriber that is removed.
func (l *Log) forget(s *kapivara.Subscriber) {
	delete(l.behind, s.No)
	l.outbox = slices.DeleteFunc(l.outbox, func(d kapivara.Due) bool { return d.Subscriber == s.No })
}
