package memory_test

import (
	"testing"
	"time"

	"kapivara/pkg/memory"
	"kapivara/pkg/porttest"
	"kapivara/pkg/writer"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	porttest.Registry(t, func(_ *testing.T, open bool) writer.RegistryStore { return memory.NewRegistry(open, time.Now) })
}
