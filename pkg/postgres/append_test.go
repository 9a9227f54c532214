package postgres_test

import (
	"testing"

	"kapivara/pkg/porttest"
	"kapivara/tests/stores"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	porttest.Append(t, stores.Postgres)
}

func TestAppendMany(t *testing.T) {
	t.Parallel()
	porttest.AppendMany(t, stores.Postgres)
}
