package dispatcher

import (
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// redo is what a lane is to send again.
type redo struct {
	queue []kapivara.Waiting // the next of it, by log position
	after int64              // all of it up to this was put there
	more  bool               // more may be in the store
	asked bool               // it is being read, and what is read is still true
	freed bool               // what was held back when it was read may be free by now: it is read anew after the queue
}

// rewind forgets what is to be sent again, to read it anew.
func (l *lane) rewind() { l.redo = redo{more: true} }

// wantsReplays tells that what is to be sent again is to be read: none of it is known, and all of it is placed. Read
// earlier, what comes into the lane before what was read would be passed over.
func (l *lane) wantsReplays() bool {
	return l.redo.more && len(l.redo.queue) == 0 && !l.client.placing() && !l.left()
}

// askReplays asks for what is to be sent again, where none of it is known.
func (l *lane) askReplays(q *kapivara.LaneQuery) {
	if l.wantsReplays() {
		q.Replays, q.ReplaysAfter, l.redo.asked = l.room(), l.redo.after, true
	}
}

// foundReplays takes in what was found of it, unless it was rewound meanwhile.
func (k *desk) foundReplays(l *lane, q kapivara.LaneQuery, found []kapivara.Waiting) {
	if q.Replays == 0 || !l.redo.asked {
		return
	}
	l.redo.asked, l.redo.more = false, len(found) >= q.Replays
	for _, w := range found {
		l.redo.after = w.LogPosition
		if _, leased := k.meanwhile[freed{w.Subscriber, w.Stream}]; leased || l.client.engaged[w.Stream] > 0 {
			continue // read anew when that delivery is settled
		}
		if l.client.Layout().BucketOf(w.Name, w.Canary) != l.bucket {
			k.misplaced(l)
			continue
		}
		l.redo.queue = append(l.redo.queue, w)
	}
}

// replay leases what is to be sent again, while nothing that is due by itself can be leased: such deliveries go first, and
// wait for a replay only where one is out already and has the place.
func (k *desk) replay(p *plan, l *lane, now time.Time) {
	if len(l.redo.queue) == 0 || l.client.placing() || l.left() || l.overflown || l.row.No != 0 && l.more && len(l.hidden) == 0 {
		return
	}
	if l.row.No == 0 {
		k.open(l)
		return
	}
	free := func(w kapivara.Waiting) bool { return l.client.engaged[w.Stream] == 0 }
	for i := slices.IndexFunc(l.redo.queue, free); i >= 0; i = slices.IndexFunc(l.redo.queue, free) {
		to, ok := k.road(l)
		if !ok {
			return
		}
		if len(p.cargo.items) >= k.cfg.Leases {
			k.touch(l)
			return
		}
		w := l.redo.queue[i]
		l.redo.queue = slices.Delete(l.redo.queue, i, i+1)
		k.number(p, l, w, to, now)
	}
}

// freeReplay has what is to be sent again read anew, where the delivery may have held some of it back.
func (k *desk) freeReplay(f *flight) {
	c := f.lane.client
	if l := c.lanes[c.Layout().BucketOf(f.Name, f.Canary)]; l != nil && !l.cold {
		l.redo.freed = true
		k.feed(l)
	}
}
