package client

import (
	"context"
	"sync"
)

// Large requests share a connection with everything else of this client, answers included: beyond what the window takes,
// more of them at once would only make each wait on the way for those before it, until nobody waits for it any more.
const (
	windowBytes = 4 << 20
	windowFrom  = 16 << 10 // smaller requests pass at once
)

// window bounds the bytes of large requests that are on their way, first come, first served.
type window struct {
	mu      sync.Mutex
	used    int
	waiting []*windowWaiter
}

type windowWaiter struct {
	size int
	open chan struct{} // closed when the request may go
}

// enter waits until a request of that size may go, or ctx ends. One request always may. leave gives its room back.
func (w *window) enter(ctx context.Context, size int) (leave func(), err error) {
	if size < windowFrom {
		return func() {}, nil
	}
	leave = func() { w.leave(size) }
	w.mu.Lock()
	if len(w.waiting) == 0 && w.fits(size) {
		w.used += size
		w.mu.Unlock()
		return leave, nil
	}
	me := &windowWaiter{size: size, open: make(chan struct{})}
	w.waiting = append(w.waiting, me)
	w.mu.Unlock()
	select {
	case <-me.open:
		return leave, nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.waiting {
		if other == me {
			w.waiting = append(w.waiting[:i], w.waiting[i+1:]...)
			w.admit() // whoever stood behind may fit
			return nil, ctx.Err()
		}
	}
	return leave, nil // it was let in just then
}

func (w *window) fits(size int) bool { return w.used == 0 || w.used+size <= windowBytes }

func (w *window) leave(size int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used -= size
	w.admit()
}

// admit lets in whom there is room for. The caller holds the lock.
func (w *window) admit() {
	for len(w.waiting) > 0 && w.fits(w.waiting[0].size) {
		w.used += w.waiting[0].size
		close(w.waiting[0].open)
		w.waiting = w.waiting[1:]
	}
}
