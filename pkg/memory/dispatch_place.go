package memory

import (
	"slices"

	"kapivara/pkg/kapivara"
)

// Place stands for the writer that puts what waits for a subscriber into the buckets in force: the next stream of each
// that moves, or the end of its move. It tells whether there was anything to do.
func (d *Dispatch) Place() (worked bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.subscribers {
		s := &d.subscribers[i]
		if s.Moving == nil {
			continue
		}
		worked = true
		if s.Moving.Placed >= s.Moving.Until {
			s.Moving = nil
			d.registry++
			for n, w := range d.replays {
				if w.Subscriber == s.No {
					of := d.waiting(w)
					d.replays[n].Bucket = s.Layout().BucketOf(of.Name, of.Canary)
				}
			}
			continue
		}
		m := *s.Moving
		next := slices.IndexFunc(d.outbox, func(w kapivara.Due) bool {
			return w.Subscriber == s.No && w.LogPosition > m.Placed && w.LogPosition <= m.Until
		})
		m.Placed = m.Until
		if next >= 0 {
			w := d.waiting(d.outbox[next])
			d.outbox[next].Bucket = s.Layout().BucketOf(w.Name, w.Canary)
			m.Placed = w.LogPosition
		}
		s.Moving = &m
	}
	return worked
}

// laid is kapivara.hold_layouts of the schema.
func (d *Dispatch) laid(layouts []kapivara.HeldLayout) bool {
	for _, l := range layouts {
		i := slices.IndexFunc(d.subscribers, func(s kapivara.Subscriber) bool { return s.No == l.Subscriber })
		if i < 0 || d.subscribers[i].Layout() != l.Layout {
			return false
		}
		if m := d.subscribers[i].Moving; m != nil && l.Due > m.Placed {
			return false
		}
	}
	return true
}
