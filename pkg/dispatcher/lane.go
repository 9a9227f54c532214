package dispatcher

import (
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// client is a subscriber and what is known of its nodes.
type client struct {
	kapivara.Subscriber
	epoch      int64 // of its duty
	leaving    bool  // it is to be another dispatcher's: nothing new is begun for it
	lanes      map[kapivara.Bucket]*lane
	engaged    map[int64]int // how many unsettled deliveries of a stream are in memory, in all buckets
	placed     int64         // what is due up to this log position stands in its bucket
	listening  *bool
	lastAnswer time.Time            // by the store's clock
	lastHeard  time.Time            // by the local clock: somebody was there
	waiters    []*waiter            // pulls that wait, in the order in which they came
	pulled     time.Time            // by the local clock: when the last pull was given something
	pullers    map[string]time.Time // by the local clock: when a node that named itself has pulled last
	offering   bool                 // it stands in the desk's list
	tried      time.Time            // by the local clock: when the last sending went out while nobody was known to listen
	silent     bool                 // some attempt since the last answer had none
	news       kapivara.PresenceChange
	hasNews    bool
	claims     claims
}

func newClient(s kapivara.Subscriber) *client {
	return &client{Subscriber: s, lanes: map[kapivara.Bucket]*lane{}, engaged: map[int64]int{}}
}

func (c *client) hears() bool { return c.listening != nil && *c.listening }

// lane is a bucket of a subscriber at work.
type lane struct {
	client *client
	bucket kapivara.Bucket
	row    kapivara.BucketRow // No is 0 while it has none
	cold   bool               // the row and what is leased are to be read first
	opened bool               // its row is being made
	gen    int                // grows when all that is known is thrown away

	flights map[int64]*flight // what is leased, and what of the hidden is in memory
	streams map[int64]int     // how many flights a stream has
	leased  int

	queue     []kapivara.Waiting // what is due next, by log position
	after     int64              // all that is due up to it was put into the queue
	overflown bool               // more may be due than is in the queue
	freed     map[int64]struct{} // streams of which what waits is to be read anew
	stalled   bool               // but none of it is placed yet

	hidden  []*flight // those with the earliest times, at most this many
	most    int
	more    bool               // others may be hidden in the store, all of them later than those
	filling bool               // they are being read, and what is in memory is not certain to be the earliest
	edge    *flight            // the earliest that was left to the store meanwhile
	changed map[int64]struct{} // what a turn has changed meanwhile: of those what is read is out of date

	again   map[int64]int     // deliveries that are just being sent once more, and how often; nothing makes this forgotten
	unheard map[int64]*flight // leased ones whose sending met nobody
	loans   map[int64]loan    // what pulls had when all was thrown away
	carried map[int64]int     // the attempts of those that were unheard when all was thrown away, below 0 in doubt
	probe   *flight           // the one that is out to find somebody
	probeAt time.Time         // when the next one goes out
	wait    time.Duration     // between probes, 0 where none has gone out yet
	retouch time.Time         // when it is looked at again whether its owner still pulls
	trial   *flight           // a sending while nobody is known to listen, of which nothing is known yet

	heading string // the node that is to have the bucket, "" for none
	lost    bool   // a sending to its owner met nobody
	held    bool   // the probes wait for the bucket to go to another node
	redo    redo   // what is to be sent again
	stale   bool   // an operator has changed something, and it has not been read anew

	newFirst      bool // first attempts are next to be leased
	dirty, hungry bool // it stands in the desk's lists
	step          *step
}

// step is what the turn being planned does to a lane.
type step struct {
	leased    int // how many more are leased
	sent      int64
	committed int64
	claim     *kapivara.Claim // who has the bucket from now on, nil where that stays as it is
}

// newLane is a lane that is to be read; it keeps at most so many hidden deliveries in memory.
func newLane(c *client, b kapivara.Bucket, hidden int) *lane {
	l := &lane{client: c, bucket: b, cold: true, most: hidden, again: map[int64]int{}}
	l.forget()
	return l
}

// forget throws away all that is known, except which leased deliveries met nobody and which of them pulls have, and of
// which streams something may wait in other lanes.
func (l *lane) forget() {
	if l.carried == nil {
		l.carried = map[int64]int{}
	}
	for number, f := range l.unheard {
		l.carried[number] = f.Lease.Attempt
		if f.doubt {
			l.carried[number] = -f.Lease.Attempt
		}
	}
	l.keepLoans()
	l.gen++
	l.cold, l.opened = true, false
	for stream, n := range l.streams {
		l.release(stream, n)
	}
	l.flights, l.streams, l.leased = map[int64]*flight{}, map[int64]int{}, 0
	l.queue, l.after, l.overflown, l.stalled = nil, 0, true, false
	l.hidden, l.more, l.filling, l.edge, l.changed = nil, true, false, nil, nil
	l.unheard, l.probe, l.wait, l.lost, l.trial = map[int64]*flight{}, nil, 0, false, nil
	l.held = false
	l.rewind()
}

// room is how many rows the queue takes.
func (l *lane) room() int { return max(16, 2*l.client.MaxInFlight) }

// slots is how many more deliveries may be leased now. While nobody is known to listen one goes ahead; while the bucket
// is to go to another node none does.
func (l *lane) slots() int {
	most := l.client.MaxInFlight
	if l.row.Claim.Owner == "" && !l.client.hears() {
		most = 1
	}
	return l.places() - (l.client.MaxInFlight - most)
}

// places is how many more deliveries max_in_flight allows.
func (l *lane) places() int {
	if l.moving() || l.step != nil && l.step.claim != nil {
		return 0
	}
	n := l.client.MaxInFlight - l.leased
	if l.step != nil {
		n -= l.step.leased
	}
	return n
}

func (l *lane) add(f *flight) {
	l.flights[f.Number] = f
	l.hold(f.Stream)
	if f.Lease.State == kapivara.Leased {
		l.leased++
	}
}

// drop takes the flight out of memory.
func (l *lane) drop(f *flight) {
	if l.flights[f.Number] != f {
		return
	}
	delete(l.flights, f.Number)
	delete(l.unheard, f.Number)
	l.tell(f)
	l.release(f.Stream, 1)
	l.unhide(f)
}

// hide puts a hidden flight among those in memory, or leaves it, or a later one, to the store. It tells whether the
// flight is in memory.
func (l *lane) hide(f *flight) bool {
	if l.more && !l.filling && (len(l.hidden) == 0 || byTime(f, l.hidden[len(l.hidden)-1]) > 0) {
		l.drop(f)
		return false
	}
	i, _ := slices.BinarySearchFunc(l.hidden, f, byTime)
	l.hidden = slices.Insert(l.hidden, i, f)
	if len(l.hidden) > l.most {
		last := l.hidden[l.most]
		l.more = true
		if l.filling && (l.edge == nil || byTime(last, l.edge) < 0) {
			l.edge = last
		}
		l.drop(last)
		return last != f
	}
	return true
}

// filled ends the filling. Where others are left in the store, last is the latest that was read, or nil where all were;
// what is in memory and later than one that was left is left as well.
func (l *lane) filled(last *flight) {
	edge := l.edge
	if last != nil && (edge == nil || byTime(last, edge) < 0) {
		edge = last
	}
	l.filling, l.edge, l.changed, l.more = false, nil, nil, edge != nil
	for n := len(l.hidden); edge != nil && n > 0 && byTime(l.hidden[n-1], edge) > 0; n = len(l.hidden) {
		l.drop(l.hidden[n-1])
	}
}

func (l *lane) unhide(f *flight) {
	if i := slices.Index(l.hidden, f); i >= 0 {
		l.hidden = slices.Delete(l.hidden, i, i+1)
	}
}

func byTime(a, b *flight) int {
	if c := a.Lease.Until.Compare(b.Lease.Until); c != 0 {
		return c
	}
	return int(min(max(a.Number-b.Number, -1), 1))
}

// first is the place in the queue of the first stream that no unsettled delivery holds back, -1 where there is none.
func (l *lane) first() int {
	return slices.IndexFunc(l.queue, func(w kapivara.Waiting) bool { return l.client.engaged[w.Stream] == 0 })
}

// pick takes a stream from the queue.
func (l *lane) pick(i int) kapivara.Waiting {
	w := l.queue[i]
	if i == 0 {
		l.queue = l.queue[1:]
	} else {
		l.queue = slices.Delete(l.queue, i, i+1)
	}
	return w
}

// floor is the number, at most this one, up to which nothing is on its first lease any more once the turn being planned
// is done.
func (l *lane) floor(most int64) int64 {
	for _, f := range l.flights {
		if !f.Retried && !f.staged {
			most = min(most, f.Number-1)
		}
	}
	return most
}
