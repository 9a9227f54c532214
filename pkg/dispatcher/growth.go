package dispatcher

import (
	"cmp"
	"slices"

	"kapivara/pkg/kapivara"
)

// A subscriber whose mode was "appended" at some time has several deliveries of a stream, one after another: what waits of
// a stream is held back until the delivery before is settled, even where that one is hidden in the store or parked, so the
// store is asked what is held back. A lane's queue has at most one growth of a stream, and nothing of what is held back:
// that would fill it. When a delivery is settled its stream is freed: the store is asked what waits of it.

// freed is a stream of a subscriber.
type freed struct {
	subscriber int32
	stream     int64
}

// hold notes that an unsettled delivery of the stream is in memory: it holds back the others in any bucket.
func (l *lane) hold(stream int64) {
	l.streams[stream]++
	l.client.engaged[stream]++
}

// release is the reverse of hold.
func (l *lane) release(stream int64, n int) {
	if l.streams[stream] -= n; l.streams[stream] <= 0 {
		delete(l.streams, stream)
	}
	if l.client.engaged[stream] -= n; l.client.engaged[stream] <= 0 {
		delete(l.client.engaged, stream)
	}
}

// engage holds back what waits of the stream from a lease on.
func (l *lane) engage(stream int64) {
	l.hold(stream)
	if l.client.Grown {
		l.queue = slices.DeleteFunc(l.queue, func(w kapivara.Waiting) bool { return w.Stream == stream })
		if slices.ContainsFunc(l.redo.queue, func(w kapivara.Waiting) bool { return w.Stream == stream }) {
			l.rewind()
		}
	}
}

// grows tells whether a row is of a subscriber for which streams are held back in the store. One by which it shows that
// the subscriber has become such a one comes before the news of it.
func (k *desk) grows(c *client, w *kapivara.Waiting) bool {
	if w.Cause == kapivara.CauseAppended && !c.Grown {
		c.Grown, k.wants.roster = true, true
	}
	return c.Grown
}

// free has what waits of the stream read anew.
func (k *desk) free(l *lane, stream int64) {
	if !l.client.Grown {
		return
	}
	if l.freed == nil {
		l.freed = map[int64]struct{}{}
	}
	l.freed[stream] = struct{}{}
	k.feed(l)
}

// settled frees the stream of a delivery that holds nothing back any more.
func (k *desk) settled(f *flight) {
	if f.Lease.State == kapivara.Committed || f.Lease.State == kapivara.Discarded {
		k.free(f.lane, f.Stream)
		if f.lane.client.Grown {
			k.freeReplay(f)
		}
	}
}

// leasedMeanwhile notes a lease that a look on its way may not have seen.
func (k *desk) leasedMeanwhile(f *flight) {
	if k.reading && f.lane.client.Grown {
		k.meanwhile[freed{f.Due.Subscriber, f.Stream}] = struct{}{}
	}
}

// enlist puts a row that nothing held back when it was read into the queue of its lane, at its place.
func (k *desk) enlist(w *kapivara.Waiting) {
	c := k.clients[w.Subscriber]
	if c == nil {
		return
	}
	l := c.lanes[w.Due.Bucket]
	_, leased := k.meanwhile[freed{w.Subscriber, w.Stream}]
	switch {
	case l == nil || l.cold: // it is read with all of its lane, if there is to be one
	case w.LogPosition > c.placed: // the lane's own look finds it once it is placed
	case c.Layout().BucketOf(w.Name, w.Canary) != l.bucket:
		k.misplaced(l)
	case c.engaged[w.Stream] > 0: // freed when that delivery is settled
	case leased:
		k.free(l, w.Stream)
	case l.overflown && w.LogPosition > l.after: // it is read in its order: others wait that are due before it
	default:
		l.queue = slices.DeleteFunc(l.queue, func(o kapivara.Waiting) bool { return o.Stream == w.Stream && o.Cause == w.Cause })
		at, _ := slices.BinarySearchFunc(l.queue, *w, func(a, b kapivara.Waiting) int {
			return cmp.Compare(a.LogPosition, b.LogPosition)
		})
		l.queue = slices.Insert(l.queue, at, *w)
		k.touch(l)
	}
}

// takeDue takes in a row of the lane's own look.
func (k *desk) takeDue(l *lane, w *kapivara.Waiting, grown bool) {
	switch {
	case grown:
		l.after = max(l.after, w.LogPosition)
		k.enlist(w)
	case k.grows(l.client, w):
		l.after = max(l.after, w.LogPosition)
		k.free(l, w.Stream)
	default:
		k.enqueue(l, *w)
	}
}

// askFreed gives the streams of the lane that are to be read anew.
func (l *lane) askFreed() (streams []int64) {
	for stream := range l.freed {
		streams = append(streams, stream)
	}
	l.freed = nil
	return streams
}

// dropCovered takes a growth away that deliveries leased earlier hold.
func (k *desk) dropCovered(p *plan, l *lane, w kapivara.Waiting) {
	p.stepOf(l)
	p.Drops = append(p.Drops, w.Due)
}
