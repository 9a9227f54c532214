package porttest

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
)

// BusStore is a store with writers and dispatchers on it.
type BusStore struct {
	// Writer is the store as one more writer has it. Due may be nil.
	Writer func(t testing.TB) BacklogStore
	// Dispatcher is the store as one more dispatcher has it.
	Dispatcher func(t testing.TB) dispatcher.Store
	// Events reads the whole log in its order.
	Events func(t testing.TB) []kapivara.Event
	// Deliveries reads every delivery that has a number, with its subscriber's.
	Deliveries func(t testing.TB) []kapivara.Numbered
	// Waiting counts what is due or to be sent again and has no number.
	Waiting func(t testing.TB) int
}

// Bus plays writers, dispatchers and the registry against each other: subscribers are set, removed and set again, their
// filters, modes, buckets and starts change, and what was due is replayed, while several writers let streams grow in any
// order. Then the log and the answers of the registry say what was due to whom, by a model of its own (protocol 6): each
// subscriber has got exactly that, and each of those removed no more than that (I-11, I-12, I-14, I-17). The known wrong
// ways are filters that are applied when something is sent, or a registry that a writer knows from earlier: both add
// to and take away from what was due.
func Bus(t *testing.T, seeds int, open func(t *testing.T) BusStore) {
	plans := rapid.Custom(drawBusPlan)
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			w := newBusWorld(t, open(t), plans.Example(seed))
			for _, step := range w.plan.steps {
				w.do(step)
			}
			w.drain()
			w.judge()
		})
	}
}
