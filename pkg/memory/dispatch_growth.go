package memory

import (
	"cmp"
	"fmt"
	"slices"

	"kapivara/pkg/kapivara"
)

// dispatchStream is a stream with its events.
type dispatchStream struct {
	kapivara.Head
	at map[int]kapivara.Event
}

// Append stores events at positions of a stream, in this order and by one request; final is the finish position, 0 for
// none of them. What becomes due by it does so by the registry's rule for the subscribers. It gives the log's head.
func (d *Dispatch) Append(stream kapivara.Stream, canary bool, final int, positions ...int) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stream(stream, canary)
	var completed, grown int64
	for _, p := range positions {
		d.head++
		before := s.Contiguous
		s.Add(p, p == final)
		s.at[p] = kapivara.Event{
			Stream: stream, Publisher: "memory", Recorded: d.now(), LogPosition: d.head,
			NewEvent: kapivara.NewEvent{
				ID: kapivara.EventID(fmt.Sprintf("%d-%d", s.No, p)), Type: "done", Position: p, Final: p == final,
				Source: kapivara.DefaultSource(stream, "memory"), Kind: kapivara.JSONData, Data: []byte("{}"),
			},
		}
		if s.Contiguous > before {
			grown = d.head
		}
		if completed == 0 && s.Complete() {
			completed = d.head
		}
	}
	registry := kapivara.Registry{}
	for i := range d.subscribers {
		registry.Subscribers = append(registry.Subscribers, &d.subscribers[i])
	}
	d.outbox = append(d.outbox, registry.Due(&s.Head, completed, grown)...)
	slices.SortFunc(d.outbox, func(a, b kapivara.Due) int {
		return cmp.Or(cmp.Compare(a.LogPosition, b.LogPosition), cmp.Compare(a.Subscriber, b.Subscriber))
	})
	return d.head
}

func (d *Dispatch) stream(name kapivara.Stream, canary bool) *dispatchStream {
	for _, s := range d.streams {
		if s.Stream == name {
			return s
		}
	}
	s := &dispatchStream{at: map[int]kapivara.Event{}}
	s.No, s.Stream, s.Canary = int64(len(d.streams)+1), name, canary
	d.streams = append(d.streams, s)
	return s
}

// waiting is a row of the outbox with its stream as it is now.
func (d *Dispatch) waiting(due kapivara.Due) kapivara.Waiting {
	s := d.streams[due.Stream-1]
	w := kapivara.Waiting{
		Due: due, Cause: kapivara.CauseComplete, Name: s.Stream, Canary: s.Canary, Version: s.Version, Finish: s.Finish,
		Complete: s.Complete(), Contiguous: s.Contiguous,
	}
	if due.Grown > 0 {
		w.Cause = kapivara.CauseAppended
	}
	for _, n := range d.deliveries {
		if n.Cause == kapivara.CauseAppended && n.Due.Stream == due.Stream && n.Due.Subscriber == due.Subscriber {
			w.Delivered = max(w.Delivered, n.To)
		}
	}
	return w
}

// first tells that no growth of its stream waits before the row of a growth.
func (d *Dispatch) first(due kapivara.Due) bool { return due.Grown == 0 || !d.grows(due) }

// wholeFirst tells that no growth of its stream waits before the row of a whole stream, be it in another bucket.
func (d *Dispatch) wholeFirst(due kapivara.Due) bool { return due.Grown > 0 || !d.grows(due) }

// grows tells whether a growth of its stream waits before the row.
func (d *Dispatch) grows(due kapivara.Due) bool {
	return slices.ContainsFunc(d.outbox, func(o kapivara.Due) bool {
		return o.Grown > 0 && o.Stream == due.Stream && o.Subscriber == due.Subscriber && o.LogPosition < due.LogPosition
	})
}

// held tells whether an unsettled delivery of its stream holds the row back.
func (d *Dispatch) held(due kapivara.Due) bool {
	for _, n := range d.deliveries {
		if n.Due.Stream == due.Stream && n.Due.Subscriber == due.Subscriber && n.Lease.State != kapivara.Committed &&
			n.Lease.State != kapivara.Discarded {
			return true
		}
	}
	return false
}

func (d *Dispatch) freed(q kapivara.LaneQuery) (freed []kapivara.Waiting) {
	for _, due := range d.outbox {
		if due.Subscriber == q.Subscriber && slices.Contains(q.Freed, due.Stream) && d.first(due) && !d.held(due) {
			freed = append(freed, d.waiting(due))
		}
	}
	return freed
}

// grownFrom tells whether a growth was delivered from the same position on.
func (d *Dispatch) grownFrom(l *kapivara.NewDelivery) bool {
	for _, n := range d.deliveries {
		if l.Cause == kapivara.CauseAppended && n.Cause == l.Cause && n.Due.Stream == l.Due.Stream &&
			n.Due.Subscriber == l.Due.Subscriber && n.From == l.From {
			return true
		}
	}
	return false
}

// cover takes away the growths that the delivery holds.
func (d *Dispatch) cover(l *kapivara.NewDelivery) {
	d.outbox = slices.DeleteFunc(d.outbox, func(o kapivara.Due) bool {
		return l.Cause == kapivara.CauseAppended && o.Grown > 0 && o.Grown <= l.To && o.Stream == l.Due.Stream &&
			o.Subscriber == l.Due.Subscriber
	})
}

func (d *Dispatch) drop(drops []kapivara.Due) {
	for _, drop := range drops {
		if i := waits(d.outbox, drop); i >= 0 {
			d.outbox = slices.Delete(d.outbox, i, i+1)
		}
	}
}

// stretch gives the events of a stretch.
func (d *Dispatch) stretch(s kapivara.Stretch) (events []kapivara.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for p := s.From; p <= s.To; p++ {
		if e, stored := d.streams[s.Stream-1].at[p]; stored {
			events = append(events, e)
		}
	}
	return events
}
