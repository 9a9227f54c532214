package natsbus

import (
	"log/slog"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// watchQueue is how many notices may wait to be published; further ones are dropped and counted.
const watchQueue = 8192

// Watch shows onlookers what happens (protocol section 5: at most once). It never makes its caller wait: what the
// connection does not take in time is dropped.
type Watch struct {
	nc      *nats.Conn
	log     *slog.Logger
	queue   chan notice
	waiting atomic.Int64 // notices in the queue
	stop    chan struct{}
	once    sync.Once
	done    sync.WaitGroup
	dropped atomic.Int64
}

// notice is written where it is published, off the caller's road: stored events, one after another, or a delivery.
type notice struct {
	events     []kapivara.Event
	subscriber string
	row        kapivara.DeliveryRow
}

// NewWatch publishes on the connection until Stop. A connection of its own keeps onlookers apart from replies.
func NewWatch(nc *nats.Conn, log *slog.Logger) *Watch {
	w := &Watch{nc: nc, log: log, queue: make(chan notice, watchQueue), stop: make(chan struct{})}
	w.done.Go(w.run)
	return w
}

// Events shows stored events. They must not be changed any more. A hand-over for each by itself would cost more than all
// else about it (measured).
func (w *Watch) Events(events []kapivara.Event) {
	if n := w.reserve(len(events)); n > 0 {
		w.queue <- notice{events: events[:n]}
	}
}

// Delivery shows a sending or an answer, and a parking also where all parkings are shown.
func (w *Watch) Delivery(subscriber string, row kapivara.DeliveryRow) {
	if w.reserve(1) > 0 {
		w.queue <- notice{subscriber: subscriber, row: row}
	}
}

// Dropped counts the notices that were not shown.
func (w *Watch) Dropped() int64 { return w.dropped.Load() }

// Stop drops what waits and ends. Stopping twice is fine.
func (w *Watch) Stop() {
	w.once.Do(func() { close(w.stop) })
	w.done.Wait()
}

// reserve gives room for so many notices, or for as many as there is. The channel then has it too: it holds at most one
// value for each notice.
func (w *Watch) reserve(n int) int {
	over := min(int(w.waiting.Add(int64(n)))-watchQueue, n)
	if over > 0 {
		w.waiting.Add(-int64(over))
		w.drop(int64(over))
		n -= over
	}
	return n
}

func (w *Watch) drop(n int64) {
	all := w.dropped.Add(n)
	if bits.Len64(uint64(all)) > bits.Len64(uint64(all-n)) { //nolint:gosec // counts; at 1, 2, 4, 8 …
		w.log.Warn("notices to onlookers dropped", "dropped", all)
	}
}

func (w *Watch) run() {
	var buf []byte // the connection copies what it is given
	for {
		select {
		case <-w.stop:
			return
		case n := <-w.queue:
			buf = w.publish(buf, &n)
			w.waiting.Add(-int64(max(len(n.events), 1)))
		}
	}
}

func (w *Watch) publish(buf []byte, n *notice) []byte {
	for i := range n.events {
		e := &n.events[i]
		buf = wire.AppendEvent(buf[:0], e)
		w.show(wire.WatchLog(e.Stream), buf)
	}
	if len(n.events) > 0 {
		return buf
	}
	buf = wire.AppendDeliveryRow(buf[:0], &n.row)
	w.show(wire.WatchBucket(n.subscriber, n.row.Bucket), buf)
	if n.row.State == kapivara.Parked {
		w.show(wire.WatchParked(n.subscriber), buf)
	}
	return buf
}

func (w *Watch) show(subject string, body []byte) {
	if w.nc.Publish(subject, body) != nil {
		w.drop(1)
	}
}
