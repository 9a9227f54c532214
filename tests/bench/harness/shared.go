package harness

import (
	"context"
	"sync"
)

// Shared is what several cells use: the first that takes it makes it, and the last one that stops puts it away.
type Shared[T any] struct {
	// Make makes it on a stage of its own.
	Make func(ctx context.Context, s *Stage) (T, error)

	mu    sync.Mutex
	users int
	stage *Stage
	value T
}

// Take gives the shared thing to a cell, until its stage is closed. Its processes are counted in the cell's rounds.
func (h *Shared[T]) Take(ctx context.Context, s *Stage) (T, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users == 0 {
		h.stage = newStage(s.Ground)
		var err error
		if h.value, err = h.Make(ctx, h.stage); err != nil {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
			defer cancel()
			_ = h.stage.close(stop) // the first error says more
			var none T
			return none, err
		}
	}
	h.users++
	s.beside = append(s.beside, h.stage)
	s.Cleanup(h.release)
	return h.value, nil
}

func (h *Shared[T]) release(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users--
	if h.users > 0 {
		return nil
	}
	return h.stage.close(ctx)
}
