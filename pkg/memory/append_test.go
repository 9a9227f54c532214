package memory_test

import (
	"testing"

	"kapivara/pkg/porttest"
	"kapivara/tests/stores"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	porttest.Append(t, stores.Memory)
}

func TestAppendMany(t *testing.T) {
	t.Parallel()
	porttest.AppendMany(t, stores.Memory)
}
