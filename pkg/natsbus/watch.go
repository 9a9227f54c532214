package natsbus

import (
	"log/slog"
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
	stop    chan struct{}
	once    sync.Once
	done    sync.WaitGroup
	dropped atomic.Int64
}

// notice is written where it is published, off the caller's road.
type notice struct {
	event      *kapivara.Event
	subscriber string
	row        kapivara.DeliveryRow
}

// NewWatch publishes on the connection until Stop. A connection of its own keeps onlookers apart from replies.
func NewWatch(nc *nats.Conn, log *slog.Logger) *Watch {
	w := &Watch{nc: nc, log: log, queue: make(chan notice, watchQueue), stop: make(chan struct{})}
	w.done.Go(w.run)
	return w
}

// Event shows a stored event. It must not be changed any more.
func (w *Watch) Event(e *kapivara.Event) { w.put(notice{event: e}) }

// Delivery shows a sending or an answer, and a parking also where all parkings are shown.
func (w *Watch) Delivery(subscriber string, row kapivara.DeliveryRow) {
	w.put(notice{subscriber: subscriber, row: row})
}

// Dropped counts the notices that were not shown.
func (w *Watch) Dropped() int64 { return w.dropped.Load() }

// Stop drops what waits and ends. Stopping twice is fine.
func (w *Watch) Stop() {
	w.once.Do(func() { close(w.stop) })
	w.done.Wait()
}

func (w *Watch) put(n notice) {
	select {
	case w.queue <- n:
	default:
		w.drop()
	}
}

func (w *Watch) drop() {
	if n := w.dropped.Add(1); n&(n-1) == 0 { // at 1, 2, 4, 8 …
		w.log.Warn("notices to onlookers dropped", "dropped", n)
	}
}

func (w *Watch) run() {
	for {
		select {
		case <-w.stop:
			return
		case n := <-w.queue:
			w.publish(n)
		}
	}
}

func (w *Watch) publish(n notice) {
	if n.event != nil {
		w.show(wire.WatchLog(n.event.Stream), wire.AppendEvent(nil, n.event))
		return
	}
	body := wire.AppendDeliveryRow(nil, &n.row)
	w.show(wire.WatchBucket(n.subscriber, n.row.Bucket), body)
	if n.row.State == kapivara.Parked {
		w.show(wire.WatchParked(n.subscriber), body)
	}
}

func (w *Watch) show(subject string, body []byte) {
	if w.nc.Publish(subject, body) != nil {
		w.drop()
	}
}
