package dispatcher

import (
	"sync/atomic"
	"time"

	"kapivara/pkg/kapivara"
)

// maxWaiters bounds the pulls that wait at one dispatcher.
const maxWaiters = 2048

const (
	// patience is how long a client surely waits for its answer: one that wants no wait is served as long.
	patience = 400 * time.Millisecond
	// tooLate is how long after a wait's end its client counts as gone: what was leased for it is handed to another.
	tooLate = time.Second
)

// waiter is a pull that is to be answered. All but its answer belongs to the desk.
type waiter struct {
	kapivara.NextQuery
	subscriber string
	until      time.Time // its wait is over, by the local clock
	last       time.Time // nothing is leased for it from then on
	looks      int       // that had begun when it came
	ending     bool      // it stands in the desk's list of those whose wait is over
	pull       *pull     // what it is being given, nil while it waits
	answered   bool      // the desk has nothing more to do for it
	once       atomic.Bool
	done       func([]kapivara.Delivery, error)
}

// answer answers the pull. Only the first call does anything, and only that tells true.
func (w *waiter) answer(deliveries []kapivara.Delivery, err error) bool {
	if w.once.Swap(true) {
		return false
	}
	w.done(deliveries, err)
	return true
}

// Next asks for deliveries of the subscriber. done is called exactly once: with up to q.Batch deliveries, with none where
// nothing came within q.Wait, or with a refusal; it must not block. kapivara.ErrOffDuty says that the subscriber is
// another dispatcher's. The deadline of each delivery runs from that call.
func (d *Dispatcher) Next(subscriber string, q kapivara.NextQuery, done func([]kapivara.Delivery, error)) {
	if err := q.Check(); err != nil {
		done(nil, err)
		return
	}
	now := time.Now()
	w := &waiter{NextQuery: q, subscriber: subscriber, until: now.Add(q.Wait), last: now.Add(max(q.Wait, patience))}
	if d.waiting.Add(1) > maxWaiters {
		d.waiting.Add(-1)
		busy := kapivara.Refuse(kapivara.Busy, "too many pulls wait; send this one again")
		busy.Facts.RetryAfter = "100ms"
		done(nil, busy)
		return
	}
	w.done = func(deliveries []kapivara.Delivery, err error) {
		d.waiting.Add(-1)
		done(deliveries, err)
	}
	d.inbox.next(w)
}

// next takes a pull in, or refuses it while nothing can be leased.
func (b *inbox) next(w *waiter) {
	var refusal error
	b.put(func() {
		switch {
		case b.down && b.mine[w.subscriber]:
			refusal = errNoPull
		case b.down:
			refusal = kapivara.ErrOffDuty
		default:
			b.nexts = append(b.nexts, w)
		}
	})
	if refusal != nil {
		w.answer(nil, refusal)
	}
}

// EndWaits has every pull answered at once, those that wait and those that still come, until the dispatcher is started
// again: its process ends.
func (d *Dispatcher) EndWaits() { d.inbox.put(func() { d.inbox.leaving = true }) }

var errNoPull = kapivara.Refuse(kapivara.Unavailable, "nothing can be leased just now; send it again")

// mayPull tells whether a pull of the node may be given deliveries of the lane: of a claimed bucket its owner's alone, and
// nothing while the bucket is to go to another node.
func mayPull(l *lane, node string) bool {
	owner := l.row.Claim.Owner
	return !l.moving() && !l.lost && (owner == "" || owner == node)
}

// pullerFor is how long a node counts as one that pulls after it has done so: nothing is sent to it meanwhile.
const pullerFor = kapivara.MaxWait + 5*time.Second

// notePuller notes that the node pulls.
func (c *client) notePuller(node string) {
	if node == "" {
		return
	}
	now := time.Now()
	for name, at := range c.pullers {
		if now.Sub(at) > pullerFor {
			delete(c.pullers, name)
		}
	}
	if c.pullers == nil {
		c.pullers = map[string]time.Time{}
	}
	c.pullers[node] = now
}

// pulled tells for how long the lane's owner still counts as a node that pulls what it claims; 0 where it does not, or
// where nobody has claimed the lane.
func (l *lane) pulled() time.Duration {
	at, pulls := l.client.pullers[l.row.Claim.Owner]
	if !pulls {
		return 0
	}
	return max(pullerFor-time.Since(at), 0)
}

// wants tells whether the pull asks for the lane's deliveries.
func (w *waiter) wants(l *lane) bool {
	return (w.Bucket == nil || *w.Bucket == l.bucket) && mayPull(l, w.Node)
}
