package postgres_test

import (
	"testing"

	"kapivara/pkg/porttest"
	"kapivara/pkg/postgres"
	"kapivara/tests/stores"
)

func TestBus(t *testing.T) {
	t.Parallel()
	porttest.Bus(t, 4, func(t *testing.T) porttest.BusStore {
		return stores.PostgresBus(t, func(s *postgres.RegistryStore) { s.SetPages(3, 7) })
	})
}
