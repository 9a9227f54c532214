package porttest

import (
	"strings"

	"kapivara/pkg/kapivara"
)

// busLife is a subscriber from its first set to its removal.
type busLife struct {
	kapivara.Subscriber                       // as it was first set
	after               int64                 // what becomes due behind it is due to it …
	until               int64                 // … up to here, once it is removed
	removed             bool                  //
	settings            []kapivara.Subscriber // one after another
	wholes              map[kapivara.Stream]int64
	growths             map[kapivara.Stream]map[int64]int // by log position, how far the stream has grown
	left                map[kapivara.Ref]kapivara.State   // when it was removed
}

func newBusLife(s kapivara.Subscriber) *busLife {
	l := &busLife{
		Subscriber: s, after: s.LogPosition, settings: []kapivara.Subscriber{s},
		wholes: map[kapivara.Stream]int64{}, growths: map[kapivara.Stream]map[int64]int{},
	}
	if !s.Start.New {
		l.after = s.Start.After
	}
	return l
}

// at gives the settings by which a log position is judged: those set last before it, and the first ones for what lies
// before them.
func (l *busLife) at(position int64) *kapivara.Subscriber {
	if position <= l.after || l.removed && position > l.until {
		return nil
	}
	found := &l.settings[0]
	for i := range l.settings {
		if l.settings[i].LogPosition < position {
			found = &l.settings[i]
		}
	}
	return found
}

// busHead is a stream at a log position, told from its events alone.
type busHead struct {
	types  map[int]string // by position
	grown  int
	finish int
}

// busDue goes through the log and notes for each life what is due to it.
func busDue(events []kapivara.Event, lives []*busLife) {
	streams := map[kapivara.Stream]*busHead{}
	for i := range events {
		e := &events[i]
		h := streams[e.Stream]
		if h == nil {
			h = &busHead{types: map[int]string{}}
			streams[e.Stream] = h
		}
		h.types[e.Position] = e.Type
		if e.Final {
			h.finish = e.Position
		}
		before := h.grown
		for h.types[h.grown+1] != "" {
			h.grown++
		}
		for _, l := range lives {
			s := l.at(e.LogPosition)
			switch {
			case s == nil || !h.fits(e.Stream, s):
			case s.Deliver == kapivara.DeliverAppended && h.grown > before:
				if l.growths[e.Stream] == nil {
					l.growths[e.Stream] = map[int64]int{}
				}
				l.growths[e.Stream][e.LogPosition] = h.grown
			case s.Deliver == kapivara.DeliverComplete && h.grown == h.finish:
				l.wholes[e.Stream] = e.LogPosition
			}
		}
	}
}

// fits tells whether one of the events up to the first hole brings the stream to the subscriber.
func (h *busHead) fits(stream kapivara.Stream, s *kapivara.Subscriber) bool {
	for p := 1; p <= h.grown; p++ {
		if busFits(s.Types, h.types[p]) {
			return busFits(s.Streams, string(stream))
		}
	}
	return false
}

func busFits(filter kapivara.Filter, text string) bool {
	for _, entry := range filter {
		if entry == text || strings.HasSuffix(entry, "*") && strings.HasPrefix(text, entry[:len(entry)-1]) {
			return true
		}
	}
	return false
}
