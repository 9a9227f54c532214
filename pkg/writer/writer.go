package writer

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"kapivara/pkg/kapivara"
)

// Config is what a writer can be told. The zero value is good.
type Config struct {
	// Queue is how many appends wait at most; more are refused with busy. Defaults to 4096.
	Queue int
	// BatchEvents is from how many events on a batch takes no further append. Defaults to 4000.
	BatchEvents int
	// BatchBytes is from how many bytes of data and attributes on a batch takes no further append: a commit must not take
	// so long that those who wait for it give up. Defaults to 2 MiB.
	BatchBytes int
	// Waits is how long an append may wait in the queue: it is refused with busy when its turn comes later, since who
	// has sent it would have given up before it is durable. Defaults to 2 s.
	Waits time.Duration
	// Streams is how many stream heads are remembered at least. Defaults to 65536.
	Streams int
	// IDs is how many event ids are remembered at least, to tell repeats early. Defaults to 131072.
	IDs int
}

func (c Config) withDefaults() Config {
	for _, d := range [...]struct {
		field *int
		value int
	}{{&c.Queue, 4096}, {&c.BatchEvents, 4000}, {&c.BatchBytes, 2 << 20}, {&c.Streams, 65536}, {&c.IDs, 131072}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Waits == 0 {
		c.Waits = 2 * time.Second
	}
	// A head must outlast the batches that are decided on it before they land.
	c.Streams = max(c.Streams, (maxFlights+1)*c.BatchEvents)
	return c
}

// maxFlights is how many batches are on their way at once: one is written while the other becomes durable. A third
// gains nothing (measured).
const maxFlights = 2

// maxRepeating is how many groups of suspects are looked up at once. What comes meanwhile makes the next group: one look at
// the store for each request as it comes would cost many times as much.
const maxRepeating = 2

// storeTimeout bounds each look at the store, so that an append is answered within 4 s when the store hangs.
const storeTimeout = 3 * time.Second

// Writer takes appends and answers each by itself. Make it with New, then Start.
type Writer struct {
	config  Config
	log     Log
	lookup  Lookup
	schemas Schemas
	stored  func(Notice)
	logger  *slog.Logger

	queue    chan *job
	back     chan looked
	waiting  chan *flight
	landed   chan *flight
	stopping chan struct{}
	stop     sync.Once
	started  atomic.Bool
	ended    chan struct{}
	helpers  sync.WaitGroup
	registry atomic.Pointer[kapivara.Registry] // for judging outside the loop

	// Owned by the goroutine of run.
	tip       kapivara.Tip // where the next batch begins; meaningless unless sure
	sure      bool
	confirmed kapivara.Tip // of the last batch known to be durable
	heads     *recent[kapivara.Stream, *kapivara.Head]
	ids       *recentIDs
	flights   []*flight
	again     []*job // to go the fast road (once more)
	slow      []*job // to go the exclusive road
	suspects  []*job // to be looked up by repeat.go
	repeating int    // groups that it has
}

// New makes a writer. stored is told after each transaction; it must not block.
func New(log Log, lookup Lookup, schemas Schemas, stored func(Notice), config Config, logger *slog.Logger) *Writer {
	config = config.withDefaults()
	return &Writer{
		config: config, log: log, lookup: lookup, schemas: schemas, stored: stored, logger: logger,
		queue: make(chan *job, config.Queue), back: make(chan looked), waiting: make(chan *flight, maxFlights),
		landed: make(chan *flight, maxFlights), stopping: make(chan struct{}), ended: make(chan struct{}),
		heads: newRecent[kapivara.Stream, *kapivara.Head](config.Streams),
		ids:   newRecentIDs(config.IDs),
	}
}

// Start begins to take appends.
func (w *Writer) Start(context.Context) error {
	if w.started.CompareAndSwap(false, true) {
		w.helpers.Go(w.land)
		go w.run()
	}
	return nil
}

// Stop answers what was accepted and returns when all is answered. Append must not be called any more.
func (w *Writer) Stop() {
	w.stop.Do(func() { close(w.stopping) })
	if w.started.Load() {
		<-w.ended
	}
}

// Append has the events stored, all or none. The append has passed its Check; done is called once it is durable, or
// with the refusal, possibly before Append returns.
func (w *Writer) Append(publisher string, a *kapivara.Append, done func(*kapivara.AppendResult, error)) {
	w.take(&job{publisher: publisher, appends: []*kapivara.Append{a}, done: func(results []*kapivara.AppendResult, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(results[0], nil)
	}})
}

func (w *Writer) take(j *job) {
	j.since = time.Now()
	if r := w.registry.Load(); r != nil {
		j.judge(r, w.schemas)
	}
	select {
	case w.queue <- j:
	default:
		j.done(nil, queueFull("100ms"))
	}
}

func (w *Writer) run() {
	defer close(w.ended)
	stopping := w.stopping
	for {
		for w.act() {
		}
		queue := w.queue
		if len(w.flights) == maxFlights || len(w.slow) > 0 || w.broken() {
			queue = nil
		}
		if stopping == nil && w.idle() {
			close(w.waiting)
			w.helpers.Wait()
			return
		}
		select {
		case j := <-queue:
			if !w.late(j) {
				w.again = append(w.again, j)
			}
		case f := <-w.landed:
			w.settle(f)
		case l := <-w.back:
			w.repeating--
			w.sort(l.jobs)
			if l.err != nil {
				w.giveUp(l.err)
			}
		case <-stopping:
			stopping = nil
		}
	}
}

// idle tells that nothing is left to answer.
func (w *Writer) idle() bool {
	return len(w.flights)+len(w.again)+len(w.slow)+len(w.suspects)+w.repeating+len(w.queue) == 0
}

// broken tells that a batch has failed and one that was decided on top of it has not landed yet.
func (w *Writer) broken() bool { return !w.sure && len(w.flights) > 0 }

// act does one thing that can be done now, and tells whether there was any.
func (w *Writer) act() bool {
	switch {
	case len(w.suspects) > 0 && w.repeating < maxRepeating:
		jobs := w.suspects
		w.suspects = nil
		w.repeat(jobs)
	case len(w.slow) > 0 && len(w.flights) == 0:
		jobs := w.slow
		w.slow = nil
		w.exclusive(jobs)
	case len(w.slow) == 0 && len(w.again) > 0 && len(w.flights) < maxFlights && !w.broken():
		w.fast(w.collect())
	default:
		return false
	}
	return true
}

// sort puts jobs that repeat.go gave back on their next road.
func (w *Writer) sort(jobs []*job) {
	const patience = 3
	for _, j := range jobs {
		if j.tries > patience {
			w.slow = append(w.slow, j)
		} else {
			w.again = append(w.again, j)
		}
	}
}

// giveUp answers, when the store is away, whoever has waited for a while already: another try may take as long again, and
// an append is to be answered within 4 s. Nothing of theirs is on its way.
func (w *Writer) giveUp(err error) {
	const enough = 500 * time.Millisecond
	if !away(err) {
		return
	}
	answerAll(w.suspects, err) // they may stand in a batch whose outcome is unknown
	w.suspects = nil
	jobs := append(w.again, w.slow...)
	for range len(w.queue) {
		jobs = append(jobs, <-w.queue)
	}
	w.again, w.slow = nil, nil
	for _, j := range jobs {
		if time.Since(j.since) > enough {
			j.done(nil, storeAway())
		} else {
			w.again = append(w.again, j)
		}
	}
}

func newTag() int64 { return rand.Int64() }
