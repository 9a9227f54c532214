package memory

import (
	"cmp"
	"context"
	"slices"

	"kapivara/pkg/kapivara"
)

// Roster is the dispatcher's port.
func (d *Dispatch) Roster(context.Context) (*kapivara.Roster, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &kapivara.Roster{Registry: d.registry, Head: d.head, Subscribers: slices.Clone(d.subscribers)}
	r.Subscribers = slices.DeleteFunc(r.Subscribers, func(s kapivara.Subscriber) bool { return s.Behind })
	for _, p := range d.presences {
		r.Presences = append(r.Presences, p)
	}
	return r, nil
}

// Look is the dispatcher's port.
func (d *Dispatch) Look(
	_ context.Context, lanes []kapivara.LaneQuery, after kapivara.DueMark, limit int,
) (*kapivara.Look, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	look := &kapivara.Look{Registry: d.registry, Lanes: make([]kapivara.LaneWork, len(lanes))}
	for i := range d.subscribers {
		if m := d.subscribers[i].Moving; m != nil {
			look.Moves = append(look.Moves, *m)
		}
	}
	for i, q := range lanes {
		look.Lanes[i] = kapivara.LaneWork{Due: d.due(q), Freed: d.freed(q), Hidden: d.hidden(q), Replays: d.again(q)}
	}
	for _, w := range d.outbox {
		behind := cmp.Or(cmp.Compare(w.LogPosition, after.LogPosition), cmp.Compare(w.Subscriber, after.Subscriber)) > 0
		if behind && len(look.Tail) < limit {
			look.Tail = append(look.Tail, d.waiting(w))
		}
	}
	return look, nil
}

func (d *Dispatch) due(q kapivara.LaneQuery) (due []kapivara.Waiting) {
	for _, w := range d.outbox {
		if w.Subscriber == q.Subscriber && w.Bucket == q.Bucket && w.LogPosition > q.After && len(due) < q.Limit && (!q.Grown || d.first(w) && !d.held(w)) {
			due = append(due, d.waiting(w))
		}
	}
	return due
}

func (d *Dispatch) hidden(q kapivara.LaneQuery) (hidden []kapivara.Numbered) {
	for _, n := range d.deliveries {
		if n.Ref.Bucket == q.Row && (n.Lease.State == kapivara.Hidden || n.Lease.State == kapivara.Pending) {
			hidden = append(hidden, *n)
		}
	}
	slices.SortFunc(hidden, func(a, b kapivara.Numbered) int {
		return cmp.Or(a.Lease.Until.Compare(b.Lease.Until), cmp.Compare(a.Number, b.Number))
	})
	return hidden[:min(len(hidden), q.Hidden)]
}

// Buckets is the dispatcher's port.
func (d *Dispatch) Buckets(_ context.Context, subscribers []string) (rows []kapivara.BucketRow, leased []kapivara.Numbered, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.buckets {
		if slices.Contains(subscribers, b.Subscriber) {
			rows = append(rows, *b)
		}
	}
	for _, n := range d.deliveries {
		if n.Lease.State == kapivara.Leased && slices.Contains(subscribers, d.buckets[n.Ref.Bucket-1].Subscriber) {
			leased = append(leased, *n)
		}
	}
	return rows, leased, nil
}

// Deliveries is the dispatcher's port.
func (d *Dispatch) Deliveries(_ context.Context, refs []kapivara.Ref) (found []kapivara.Numbered, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, ref := range refs {
		if n := d.deliveries[ref]; n != nil {
			found = append(found, *n)
		}
	}
	return found, nil
}

// Events is the dispatcher's port.
func (d *Dispatch) Events(
	_ context.Context, stretches []kapivara.Stretch, limit int, each func(int, []kapivara.Event) error,
) error {
	for i, s := range stretches {
		events, weight := d.stretch(s), 0
		for n := range events {
			weight += events[n].Weight()
		}
		if weight > limit {
			events = nil
		}
		if err := each(i, events); err != nil {
			return err
		}
	}
	return nil
}
