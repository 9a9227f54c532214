package memory_test

import (
	"testing"
	"time"

	"kapivara/pkg/memory"
	"kapivara/pkg/porttest"
)

func TestDispatch(t *testing.T) {
	t.Parallel()
	porttest.Dispatch(t, func(*testing.T) porttest.DispatchStore {
		return memory.NewDispatch(func() time.Time { return time.Now().Truncate(time.Microsecond) })
	})
}

func TestGrowths(t *testing.T) {
	t.Parallel()
	porttest.Growths(t, 20, func(*testing.T) porttest.DispatchStore {
		return memory.NewDispatch(func() time.Time { return time.Now().Truncate(time.Microsecond) })
	})
}
