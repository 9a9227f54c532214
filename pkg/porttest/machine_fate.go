package porttest

import (
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// pass lets time go by.
func (w *machine) pass(r *rapid.T) {
	time.Sleep(rapid.SampledFrom([]time.Duration{
		time.Millisecond, 100 * time.Millisecond, time.Second, 2 * time.Second, 6 * time.Second, time.Minute,
	}).Draw(r, "time"))
	synctest.Wait()
}

func (w *machine) listen(r *rapid.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf = rapid.Bool().Draw(r, "deaf")
}

func (w *machine) slowDown(r *rapid.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slow = rapid.SampledFrom([]time.Duration{
		0, 0, time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 300 * time.Millisecond,
	}).Draw(r, "slow")
}

func (w *machine) lose(r *rapid.T) {
	w.link.mu.Lock()
	defer w.link.mu.Unlock()
	w.link.unknown = rapid.IntRange(1, 2).Draw(r, "lost")
}

// kill cuts the dispatcher off from everything; another one takes over when its duty ends.
func (w *machine) kill(*rapid.T) {
	w.link.mu.Lock()
	w.link.cut = true
	w.link.mu.Unlock()
	go w.link.d.Stop()
	w.begin()
}

func (w *machine) restart(*rapid.T) {
	w.link.d.Stop()
	w.begin()
}
