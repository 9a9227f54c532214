package memory

import (
	"cmp"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// Bus is the whole store in memory: what writers put into the log is what dispatchers find. It is made by NewBus.
type Bus struct {
	Log      *Log
	Dispatch *Dispatch // fed by the log: Subscribe, Remove, Append, Finish and Place are the log's to call
}

// NewBus makes an empty one. now is the store's clock.
func NewBus(open bool, now func() time.Time) *Bus {
	b := &Bus{Log: NewLog(open, now), Dispatch: NewDispatch(now)}
	b.Log.feeds, b.Log.changed = b.Dispatch, b.Dispatch.enroll
	b.Log.removed = func(s *kapivara.Subscriber) {
		b.Log.forget(s)
		b.Dispatch.Remove(s.Name)
	}
	return b
}

// enroll takes over the registry.
func (d *Dispatch) enroll(r *kapivara.Registry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.registry = r.Version
	d.subscribers = make([]kapivara.Subscriber, len(r.Subscribers))
	for i, s := range r.Subscribers {
		d.subscribers[i] = *s
		if s.Moving == nil {
			d.replace(s)
		}
	}
}

// replace puts what is to be sent again into the buckets in force. A dispatcher leases none of it while a subscriber moves,
// so that it may be done at the end.
func (d *Dispatch) replace(s *kapivara.Subscriber) {
	for i := range d.replays {
		if w := &d.replays[i]; w.Subscriber == s.No {
			of := d.streams[w.Stream-1]
			w.Bucket = s.Layout().BucketOf(of.Stream, of.Canary)
		}
	}
}

// stored takes in what a batch has written: new streams, events, and what is due by them. A nil dispatch takes nothing.
func (d *Dispatch) stored(b *kapivara.Batch, events []kapivara.Event) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range b.New {
		s := &dispatchStream{at: map[int]kapivara.Event{}}
		s.No, s.Stream, s.Canary = h.No, h.Stream, h.Canary
		d.streams = append(d.streams, s)
	}
	for i := range events {
		s := d.streams[b.Events[i].Stream-1]
		s.Add(events[i].Position, events[i].Final)
		s.at[events[i].Position] = events[i]
		d.head = events[i].LogPosition
	}
	d.putDue(b.Due)
}

// gathered takes in what is due by a backlog.
func (d *Dispatch) gathered(due []kapivara.Due) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.putDue(due)
}

func (d *Dispatch) putDue(due []kapivara.Due) {
	d.outbox = append(d.outbox, due...)
	slices.SortFunc(d.outbox, func(a, b kapivara.Due) int {
		return cmp.Or(cmp.Compare(a.LogPosition, b.LogPosition), cmp.Compare(a.Subscriber, b.Subscriber))
	})
}

// placed puts a stream that waits into another bucket.
func (d *Dispatch) placed(due kapivara.Due) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := waits(d.outbox, due); i >= 0 {
		d.outbox[i].Bucket = due.Bucket
	}
}
