package dispatcher

import (
	"context"
	"slices"
	"sync"
	"time"

	"kapivara/pkg/kapivara"
)

const (
	ownerFor   = 100 * time.Millisecond // a run that was looked up is taken as still at work
	mostOwners = 10_000                 // that are remembered
)

// living are the runs that a survey has found alive.
type living struct {
	at   time.Time // when the survey began
	runs []kapivara.Load
}

func (l *living) has(run int32) bool {
	return slices.ContainsFunc(l.runs, func(r kapivara.Load) bool { return r.Dispatcher == run })
}

// Working tells whether the run, which was found to work for the subscriber at the time since, may still do so. A run that
// lives answers for itself when its duty goes to another, so it is enough that it lives, which every survey tells; the store
// is asked only where there is none of late.
func (d *Dispatcher) Working(ctx context.Context, run int32, subscriber string, since time.Time) (bool, error) {
	if seen := d.living.Load(); seen != nil && time.Since(seen.at) < d.cfg.TTL {
		return !seen.at.After(since) || seen.has(run), nil
	}
	now, err := d.Owner(ctx, subscriber)
	return now == run, err
}

// owners remembers for a moment who works for whom, so that many requests for one subscriber are one question to the
// store; and there is one question at a time.
type owners struct {
	mu    sync.Mutex
	known map[string]owner
}

type owner struct {
	run int32
	at  time.Time
}

// Owner is the run that works for the subscriber, as it was a moment ago; 0 where none does, kapivara.NotFound where there
// is no such subscriber.
func (d *Dispatcher) Owner(ctx context.Context, subscriber string) (run int32, err error) {
	o := &d.owners
	o.mu.Lock()
	defer o.mu.Unlock()
	if known, ok := o.known[subscriber]; ok && time.Since(known.at) < ownerFor {
		return known.run, nil
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	asked := time.Now()
	if run, err = d.store.Owner(ctx, subscriber); err != nil {
		return 0, err
	}
	if o.known == nil || len(o.known) >= mostOwners {
		o.known = map[string]owner{}
	}
	o.known[subscriber] = owner{run, asked}
	return run, nil
}
