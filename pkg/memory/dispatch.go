package memory

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"kapivara/pkg/kapivara"
)

// Dispatch is the dispatcher's store in memory: what PostgreSQL promises of a turn, in the fewest words. It is made by
// NewDispatch; Subscribe and Finish stand for the registry and the writer.
type Dispatch struct {
	mu  sync.Mutex
	now func() time.Time

	joined      int32               // the last dispatcher
	dispatchers map[int32]time.Time // until when they live
	duties      map[int32]duty      // by subscriber

	registry, head int64
	subscribers    []kapivara.Subscriber
	numbered       int32
	presences      map[int32]kapivara.Presence
	extra          map[int32]int64
	streams        []*dispatchStream // by the store's number, from 1 on
	outbox         []kapivara.Due    // by log position, then subscriber
	replays        []kapivara.Due    // as the outbox
	buckets        []*kapivara.BucketRow
	deliveries     map[kapivara.Ref]*kapivara.Numbered
	nodes          []kapivara.ClaimNode
}

// NewDispatch makes an empty store; now is its clock.
func NewDispatch(now func() time.Time) *Dispatch {
	return &Dispatch{
		now: now, registry: 1, dispatchers: map[int32]time.Time{}, duties: map[int32]duty{}, presences: map[int32]kapivara.Presence{}, extra: map[int32]int64{},
		deliveries: map[kapivara.Ref]*kapivara.Numbered{},
	}
}

// Subscribe sets a subscriber, or changes the one of that name, and gives its number. Where the layout changes, Place is
// then to be called.
func (d *Dispatch) Subscribe(s kapivara.Subscriber) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.registry++
	for i := range d.subscribers {
		if d.subscribers[i].Name == s.Name {
			old := &d.subscribers[i]
			s.No, s.Moving, s.Relaid, s.Grown = old.No, old.Moving, old.Relaid, old.Grown || s.Deliver == kapivara.DeliverAppended
			if s.Layout() != old.Layout() {
				s.Moving, s.Relaid = &kapivara.Move{Subscriber: s.No, Until: d.head}, old.Relaid+1
			}
			d.subscribers[i] = s
			return s.No
		}
	}
	d.numbered++
	s.No, s.Grown = d.numbered, s.Deliver == kapivara.DeliverAppended
	d.subscribers = append(d.subscribers, s)
	return s.No
}

// Remove ends a subscriber: what waits for it goes, and what it has not committed is discarded.
func (d *Dispatch) Remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.subscribers, func(s kapivara.Subscriber) bool { return s.Name == name })
	if i < 0 {
		return
	}
	no := d.subscribers[i].No
	d.registry++
	d.subscribers = slices.Delete(d.subscribers, i, i+1)
	gone := func(w kapivara.Due) bool { return w.Subscriber == no }
	d.outbox, d.replays = slices.DeleteFunc(d.outbox, gone), slices.DeleteFunc(d.replays, gone)
	for _, b := range d.buckets {
		if b.Subscriber == name {
			b.Version++
			b.Claim = b.Claim.To("")
		}
	}
	d.nodes = slices.DeleteFunc(d.nodes, func(n kapivara.ClaimNode) bool { return n.Subscriber == no })
	for _, n := range d.deliveries {
		if n.Due.Subscriber == no && n.Lease.State != kapivara.Committed {
			n.Lease.State, n.Lease.Until, n.Retried = kapivara.Discarded, time.Time{}, true
		}
	}
}

// Finish stores a complete stream of n events and gives the log position of the last one.
func (d *Dispatch) Finish(stream kapivara.Stream, n int, canary bool) int64 {
	positions := make([]int, n)
	for i := range positions {
		positions[i] = i + 1
	}
	return d.Append(stream, canary, n, positions...)
}

// All gives every numbered delivery, by bucket and number.
func (d *Dispatch) All() []kapivara.Numbered {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]kapivara.Numbered, 0, len(d.deliveries))
	for _, n := range d.deliveries {
		all = append(all, *n)
	}
	slices.SortFunc(all, func(a, b kapivara.Numbered) int {
		return cmp.Or(cmp.Compare(a.Ref.Bucket, b.Ref.Bucket), cmp.Compare(a.Number, b.Number))
	})
	return all
}

// Waiting gives what is due and not yet leased, in log order.
func (d *Dispatch) Waiting() []kapivara.Waiting {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]kapivara.Waiting, len(d.outbox))
	for i, due := range d.outbox {
		all[i] = d.waiting(due)
	}
	return all
}

// Pending counts what is due and not yet leased, replays included.
func (d *Dispatch) Pending() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.outbox) + len(d.replays)
}

// Presence gives what is known of a subscriber's nodes, and how many of its answers changed nothing.
func (d *Dispatch) Presence(subscriber int32) (kapivara.Presence, int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.presences[subscriber], d.extra[subscriber]
}

// TokenKey is the dispatcher's port.
func (d *Dispatch) TokenKey(context.Context) ([]byte, error) { return []byte("a key in memory"), nil }
