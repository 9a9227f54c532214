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
