package memory_test

import (
	"testing"

	"kapivara/pkg/porttest"
	"kapivara/tests/stores"
)

func TestBus(t *testing.T) {
	t.Parallel()
	porttest.Bus(t, 40, func(*testing.T) porttest.BusStore { return stores.MemoryBus() })
}
