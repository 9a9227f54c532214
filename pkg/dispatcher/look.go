package dispatcher

import (
	"context"
	"math"
	"time"

	"kapivara/pkg/kapivara"
)

const (
	lookTail  = 1000 // rows of the tail in a look
	lookLanes = 256  // lanes in a look
	readNames = 64   // subscribers whose buckets are read at once
	readRefs  = 1000 // deliveries that are looked up at once
)

// read starts the next reading, if anything is to be read. The order makes sure that nothing waits for ever.
func (k *desk) read(ctx context.Context) {
	if !k.surveyed {
		return
	}
	if time.Since(k.looked) >= k.cfg.Poll {
		k.wants.look = true
	}
	k.turns++
	switch {
	case k.wants.roster:
		k.readRoster(ctx)
	case k.readBuckets(ctx):
	case k.openBuckets(ctx):
	case k.turns%2 == 0 && k.readDeliveries(ctx):
	case k.stopping:
	case k.wants.look || len(k.hungry) > 0:
		k.look(ctx)
	default:
		k.readDeliveries(ctx)
	}
}

// start runs a reading beside the desk; apply takes its result in.
func (k *desk) start(ctx context.Context, f func(context.Context) (apply func(), err error)) {
	k.reading = true
	k.beside(ctx, func(ctx context.Context) func() error {
		apply, err := f(ctx)
		return func() error {
			k.reading = false
			if err == nil {
				apply()
			}
			return err
		}
	})
}

func (k *desk) look(ctx context.Context) {
	k.wants.look, k.looked = false, time.Now()
	k.looks++
	clear(k.meanwhile)
	var lanes []*lane
	for len(k.hungry) > 0 && len(lanes) < lookLanes {
		l := k.hungry[0]
		k.hungry = k.hungry[1:]
		l.hungry = false
		if !l.cold && k.clients[l.client.No] == l.client {
			lanes = append(lanes, l)
		}
	}
	queries := make([]kapivara.LaneQuery, len(lanes))
	gens := make([]int, len(lanes))
	for i, l := range lanes {
		queries[i], gens[i] = l.query(), l.gen
	}
	mark, look := k.mark, k.looks
	k.start(ctx, func(ctx context.Context) (func(), error) {
		found, err := k.store.Look(ctx, queries, mark, lookTail)
		return func() {
			k.seen = look
			if found.Registry != k.registry {
				k.wants.roster = true
			}
			k.moves(found)
			for i, l := range lanes {
				if l.gen == gens[i] {
					k.found(l, queries[i], found.Lanes[i])
				}
				for w := range found.Lanes[i].Freed {
					k.enlist(&found.Lanes[i].Freed[w])
				}
			}
			k.follow(found.Tail)
		}, err
	})
}

func (l *lane) query() kapivara.LaneQuery {
	q := kapivara.LaneQuery{
		Lane: kapivara.Lane{Subscriber: l.client.No, Bucket: l.bucket}, Row: l.row.No, After: l.after,
		Grown: l.client.Grown, Freed: l.askFreed(),
	}
	if l.overflown && !l.stalled && !l.left() {
		q.Limit = max(l.room()-len(l.queue), 0)
	}
	if l.row.No != 0 && l.more && len(l.hidden) == 0 {
		q.Hidden, l.filling, l.changed = l.most, true, map[int64]struct{}{}
	}
	l.askReplays(&q)
	return q
}

// found takes in what a lane has. Nothing that is due up to the end of a full answer was left out; an answer that is not
// full has all that a look at the tail before it could have seen.
func (k *desk) found(l *lane, q kapivara.LaneQuery, work kapivara.LaneWork) {
	if q.Limit > 0 {
		k.waiting(l, work.Due, q)
	}
	k.foundReplays(l, q, work.Replays)
	l.stale = false
	k.touch(l)
	if q.Hidden == 0 || !k.refill(l, work.Hidden, q.Hidden) {
		k.feed(l) // else the end of the turn does
	}
}

// refill takes in what was read of the hidden ones. What was hidden meanwhile is in memory; what a turn has changed
// meanwhile, or is changing, is not as it was read. It tells whether a turn is changing any.
func (k *desk) refill(l *lane, hidden []kapivara.Numbered, most int) (changing bool) {
	for i := range hidden {
		n := &hidden[i]
		_, changed := l.changed[n.Number]
		f, asked := l.flights[n.Number], k.lookups[n.Ref]
		staged := f != nil && f.staged || asked != nil && asked.staged
		if !changed && !staged {
			k.load(l, n)
		}
		changing = changing || staged
	}
	var last *flight
	if n := len(hidden); n >= most {
		last = &flight{Numbered: hidden[n-1]}
	}
	l.filled(last)
	return changing
}

// follow takes in the tail: what has become due since the last look. Whatever a lane has no room for is found by its
// own look later.
func (k *desk) follow(tail []kapivara.Waiting) {
	for i := range tail {
		w := &tail[i]
		k.mark = kapivara.DueMark{LogPosition: w.LogPosition, Subscriber: w.Subscriber}
		c := k.clients[w.Subscriber]
		if c == nil {
			continue
		}
		l := c.lanes[w.Bucket]
		switch {
		case l == nil: // of a layout that is not known yet
		case l.overflown || w.LogPosition <= l.after:
		case len(l.queue)+len(l.freed) >= l.room():
			l.overflown = true
		case k.grows(c, w):
			l.after = w.LogPosition
			k.free(l, w.Stream)
		default:
			k.enqueue(l, *w)
			k.touch(l)
		}
	}
	if len(tail) == lookTail {
		k.wants.look = true
	}
}

// enqueue puts a stream at the end of the lane's queue, if that is its bucket by the settings in force.
func (k *desk) enqueue(l *lane, w kapivara.Waiting) {
	if w.LogPosition <= l.after {
		return
	}
	l.after = w.LogPosition
	c := l.client
	if c.Layout().BucketOf(w.Name, w.Canary) != l.bucket {
		k.misplaced(l)
		return
	}
	l.queue = append(l.queue, w)
}

// misplaced notes a stream that was placed by other settings than those this desk knows.
func (k *desk) misplaced(l *lane) {
	k.log.Debug("a stream waits in a bucket of other settings", "subscriber", l.client.Name, "bucket", l.bucket.String())
	k.wants.roster = true
}

// readRoster reads for whom there is work. The first time the tail begins behind the log's head: what was due before is
// found by each lane's own look.
func (k *desk) readRoster(ctx context.Context) {
	k.wants.roster, k.enrolling = false, true
	begun := time.Now()
	k.start(ctx, func(ctx context.Context) (func(), error) {
		roster, err := k.store.Roster(ctx)
		return func() {
			k.registry, k.enrolling = roster.Registry, false
			if k.mark.LogPosition == math.MaxInt64 {
				k.mark = kapivara.DueMark{LogPosition: roster.Head, Subscriber: math.MaxInt32}
			}
			k.enroll(roster)
			k.refuseUnknown(begun)
			k.admitStrangers()
		}, err
	})
}
