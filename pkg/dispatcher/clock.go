package dispatcher

import (
	"sync"
	"time"
)

// clock estimates the store's time, never ahead of it: what is hidden until a time must not be sent before. It rests on
// the monotonic clock, so a step of the machine's own clock changes nothing.
type clock struct {
	mu    sync.Mutex
	store time.Time // the store's time …
	local time.Time // … when it was at least that
	steps int       // how often the estimate went back
}

// sync takes in a time that the store gave in answer to a call begun at the local time.
func (c *clock) sync(store, begun time.Time) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	// The estimate may stay where the answer allows it; otherwise it was behind, or the store's clock has stepped.
	estimate := c.at(now)
	ahead := !c.local.IsZero() && estimate.After(store.Add(now.Sub(begun)))
	if ahead {
		c.steps++
	}
	if c.local.IsZero() || ahead || estimate.Before(store) {
		c.store, c.local = store, now
	}
}

// stepped counts how often the estimate went back.
func (c *clock) stepped() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.steps
}

// now is the estimate.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at(time.Now())
}

func (c *clock) at(local time.Time) time.Time { return c.store.Add(local.Sub(c.local)) }
