// Package lifecycle starts parts in order, stops them in reverse, and waits.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Part is one long-lived thing. Each field but Name may be nil.
type Part struct {
	// Name stands in errors.
	Name string
	// Start returns when the part works. Its ctx ends the attempt, never the started part.
	Start func(ctx context.Context) error
	// Stop ends the part and waits, until its ctx ends. It is called once for each Start that returned nil.
	Stop func(ctx context.Context) error
	// Done is closed when the part has ended, by itself or by Stop. It is asked for after each Start.
	Done func() <-chan struct{}
}

// Group starts its parts in order and stops them in reverse. Its methods may be called by any number of goroutines;
// stopping twice, or before a start, is fine, and a stopped group may be started again.
type Group struct {
	parts   []Part
	mu      sync.Mutex // held while parts start or stop
	running []running  // in order of start
	failed  chan error // has room for each part's end
}

// running is a started part and the watch over it.
type running struct {
	part     Part
	stopping context.Context    // ended before the part is told to stop
	stop     context.CancelFunc // ends stopping
	watched  chan struct{}      // closed when nobody watches the part any more
}

// New makes a group of parts; what others rest on comes first.
func New(parts ...Part) *Group {
	return &Group{parts: parts, failed: make(chan error, len(parts))}
}

// Start starts the parts. When one fails, those already started are stopped in reverse, and the error names the part.
// Starting a running group does nothing.
func (g *Group) Start(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.running) > 0 {
		return nil
	}
	for len(g.failed) > 0 {
		<-g.failed //nolint:errcheck // of an earlier run
	}
	for _, part := range g.parts {
		err := ctx.Err()
		if err == nil && part.Start != nil {
			err = part.Start(ctx)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("start %s: %w", part.Name, err), g.stopAll(context.WithoutCancel(ctx)))
		}
		r := running{part: part, watched: make(chan struct{})}
		r.stopping, r.stop = context.WithCancel(context.Background())
		g.running = append(g.running, r)
		go g.watch(r)
	}
	return nil
}

// watch reports a part that ends without being told to.
func (g *Group) watch(r running) {
	defer close(r.watched)
	var done <-chan struct{} // nil: never
	if r.part.Done != nil {
		done = r.part.Done()
	}
	select {
	case <-r.stopping.Done():
	case <-done:
		if r.stopping.Err() == nil {
			g.failed <- fmt.Errorf("%s ended by itself", r.part.Name)
		}
	}
}

// Stop stops the running parts in reverse and waits for each; ctx bounds the wait. All parts are told to stop even when
// it has ended, and all their errors come back.
func (g *Group) Stop(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stopAll(ctx)
}

func (g *Group) stopAll(ctx context.Context) error {
	var errs []error
	for _, r := range slices.Backward(g.running) {
		r.stop()
		if r.part.Stop != nil {
			if err := r.part.Stop(ctx); err != nil {
				errs = append(errs, fmt.Errorf("stop %s: %w", r.part.Name, err))
			}
		}
		<-r.watched
	}
	g.running = nil
	return errors.Join(errs...)
}

// Wait returns nil when ctx ends, or an error that names the first part that ended by itself.
func (g *Group) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-g.failed:
		return err
	}
}
