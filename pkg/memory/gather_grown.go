package memory

import (
	"slices"

	"kapivara/pkg/kapivara"
)

// gatherGrown goes through the next events of the log: the first growth of a stream that fits is due, and stands for those
// after it.
func (l *Log) gatherGrown(g *gathering, only *kapivara.Registry) {
	from := g.after
	g.after = min(g.until, from+gatherPage)
	heads := map[kapivara.Stream]*kapivara.Head{}
	for i := range l.events[:g.after] {
		e := &l.events[i]
		h := heads[e.Stream]
		if h == nil {
			h = &kapivara.Head{Stream: e.Stream, No: l.streams[e.Stream].no, Canary: l.streams[e.Stream].canary}
			heads[e.Stream] = h
		}
		before := h.Contiguous
		h.Add(e.Position, e.Final)
		h.AddType(e.Type, e.Position)
		if h.Contiguous == before || e.LogPosition <= from {
			continue
		}
		for _, due := range only.Due(h, 0, e.LogPosition) {
			waits := slices.ContainsFunc(l.outbox, func(o kapivara.Due) bool {
				return o.Stream == due.Stream && o.Subscriber == due.Subscriber && o.Grown > 0 && o.LogPosition <= g.until
			})
			if !waits {
				due.Grown = l.heads([]kapivara.Stream{e.Stream}, false)[e.Stream].Contiguous
				l.outbox = append(l.outbox, due)
			}
		}
	}
}
