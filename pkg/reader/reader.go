package reader

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"kapivara/pkg/kapivara"
)

// Config bounds what requests take. Zero fields have their defaults.
type Config struct {
	// PageBytes is what the events of a page may weigh. Defaults to 1 MiB, the reply limit.
	PageBytes int
	// Patience is how long one request may read before it is answered unavailable. Defaults to 3.5 s.
	Patience time.Duration
	// LookFor is how long one request looks through the log, or through the list of streams, for what fits; then it is
	// answered with how far it has come. Defaults to 1 s.
	LookFor time.Duration
	// Waiters is how many followers may wait at once; more are answered busy. They count among the requests that the
	// service has in hand, so it is to be well below that bound. Defaults to 2,048.
	Waiters int
	// Poll is how often the log is read for waiters although no commit was told. Defaults to 1 s.
	Poll time.Duration
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&c.Patience, 3500*time.Millisecond)
	set(&c.LookFor, time.Second)
	set(&c.Poll, time.Second)
	if c.PageBytes <= 0 {
		c.PageBytes = 1 << 20
	}
	if c.Waiters <= 0 {
		c.Waiters = 2048
	}
	return c
}

// Reader answers reads. Start it before followers wait.
type Reader struct {
	store  Store
	log    *slog.Logger
	config Config

	mu      sync.Mutex
	waiters map[*waiter]struct{}
	told    int64         // the highest head that Committed has told
	open    bool          // between Start and Stop
	wake    chan struct{} // holds at most one value: there may be something new
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

// New reads from the store.
func New(store Store, c Config, log *slog.Logger) *Reader {
	return &Reader{
		store: store, log: log, config: c.withDefaults(), waiters: map[*waiter]struct{}{}, wake: make(chan struct{}, 1),
	}
}

// Start begins to serve followers that wait.
func (r *Reader) Start(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open {
		return nil
	}
	ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	r.open = true
	r.done.Go(func() { r.follow(ctx) })
	return nil
}

// Stop answers the followers that wait with how far they have looked, and from then on all others at once. Reads go on.
// Stopping twice, or before the start, is fine.
func (r *Reader) Stop() {
	r.mu.Lock()
	if r.open {
		r.open = false
		r.cancel()
	}
	waiting := r.waiters
	r.waiters = map[*waiter]struct{}{}
	r.mu.Unlock()
	for w := range waiting {
		w.timer.Stop()
		w.answer(w.page(), nil)
	}
	r.done.Wait()
}

// ask runs one read within the patience.
func ask[T any](ctx context.Context, r *Reader, what string, read func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Patience)
	defer cancel()
	answer, err := read(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return answer, kapivara.Refuse(kapivara.Unavailable, "%s: the store took too long; send the same request again, or ask for less", what)
	}
	return answer, err
}

// Event reads an event. One of another context ("" = all) is not found, as if it were not there.
func (r *Reader) Event(ctx context.Context, readable string, id kapivara.EventID) (kapivara.Event, error) {
	e, err := ask(ctx, r, "event", func(ctx context.Context) (kapivara.Event, error) { return r.store.Event(ctx, id) })
	if err == nil && readable != "" && e.Stream.Context() != readable {
		return kapivara.Event{}, kapivara.Refuse(kapivara.NotFound, "no event has this id")
	}
	return e, err
}

// Stream reads a page of a stream.
func (r *Reader) Stream(ctx context.Context, q kapivara.StreamQuery) (kapivara.StreamPage, error) {
	if err := q.Check(); err != nil {
		return kapivara.StreamPage{}, err
	}
	q.Bytes = r.config.PageBytes
	return ask(ctx, r, "stream", func(ctx context.Context) (kapivara.StreamPage, error) { return r.store.Stream(ctx, q) })
}

// Streams lists streams.
func (r *Reader) Streams(ctx context.Context, q kapivara.StreamsQuery) (kapivara.StreamsPage, error) {
	if err := q.Check(); err != nil {
		return kapivara.StreamsPage{}, err
	}
	until := time.Now().Add(r.config.LookFor)
	var found kapivara.StreamsPage
	for {
		page, err := ask(ctx, r, "streams", func(ctx context.Context) (kapivara.StreamsPage, error) { return r.store.Streams(ctx, q) })
		if err != nil {
			return found, err
		}
		found.Streams, found.Next = append(found.Streams, page.Streams...), page.Next
		q.Limit -= len(page.Streams)
		q.After = page.Next
		if page.Next == "" || q.Limit == 0 || time.Now().After(until) {
			return found, nil
		}
	}
}

// Explain says where a stream stands with a subscriber, or with all where the name is "".
func (r *Reader) Explain(ctx context.Context, s kapivara.Stream, subscriber string) (kapivara.Explanation, error) {
	facts, err := ask(ctx, r, "explain", func(ctx context.Context) (kapivara.StreamFacts, error) {
		return r.store.Facts(ctx, s, subscriber)
	})
	if err != nil {
		return kapivara.Explanation{}, err
	}
	return Explain(&facts), nil
}

// Bucket lists the deliveries of a bucket.
func (r *Reader) Bucket(ctx context.Context, q kapivara.DeliveriesQuery) (kapivara.DeliveriesPage, error) {
	if q.Bucket == nil {
		return kapivara.DeliveriesPage{}, kapivara.Invalid("bucket", "the bucket is missing: \"0\", \"1\" … or \"canary-0\" …")
	}
	return r.deliveries(ctx, q)
}

func (r *Reader) deliveries(ctx context.Context, q kapivara.DeliveriesQuery) (kapivara.DeliveriesPage, error) {
	if err := q.Check(); err != nil {
		return kapivara.DeliveriesPage{}, err
	}
	return ask(ctx, r, "deliveries", func(ctx context.Context) (kapivara.DeliveriesPage, error) {
		return r.store.Deliveries(ctx, q)
	})
}

// Subscriber counts what a subscriber has in its buckets, and lists its deliveries.
func (r *Reader) Subscriber(ctx context.Context, q kapivara.DeliveriesQuery) (kapivara.SubscriberPage, error) {
	var page kapivara.SubscriberPage
	var err error
	if page.Deliveries, err = r.deliveries(ctx, q); err != nil {
		return page, err
	}
	page.SubscriberState, err = ask(ctx, r, "subscriber", func(ctx context.Context) (kapivara.SubscriberState, error) {
		return r.store.Subscriber(ctx, q.Subscriber)
	})
	return page, err
}

// LastCommitted reads the delivery that a bucket committed last. Its events are nil where they do not fit into a page.
func (r *Reader) LastCommitted(ctx context.Context, subscriber string, b kapivara.Bucket) (kapivara.Delivery, error) {
	q := kapivara.DeliveryQuery{Subscriber: subscriber, Bucket: b, Limit: kapivara.MaxPage, Bytes: r.config.PageBytes}
	type answer struct {
		delivery kapivara.Delivery
		page     kapivara.EventPage
	}
	a, err := ask(ctx, r, "last-committed", func(ctx context.Context) (answer, error) {
		d, page, err := r.store.Delivery(ctx, q)
		return answer{d, page}, err
	})
	if err == nil && !a.page.More {
		a.delivery.Events = a.page.Events
	}
	return a.delivery, err
}

// Delivery reads a page of the events of one delivery.
func (r *Reader) Delivery(ctx context.Context, q kapivara.DeliveryQuery) (kapivara.EventPage, error) {
	if err := q.Check(); err != nil {
		return kapivara.EventPage{}, err
	}
	q.Bytes = r.config.PageBytes
	return ask(ctx, r, "delivery", func(ctx context.Context) (kapivara.EventPage, error) {
		_, page, err := r.store.Delivery(ctx, q)
		return page, err
	})
}
