package dispatcher

import (
	"context"
	"sync"
	"time"
)

const (
	ownerFor   = 100 * time.Millisecond // a run that was looked up is taken as still at work
	mostOwners = 10_000                 // that are remembered
)

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
