package postgres_test

import (
	"testing"

	"kapivara/pkg/porttest"
	"kapivara/pkg/postgres"
	"kapivara/pkg/writer"
	"kapivara/tests/kit"
)

var _ writer.Backlog = (*postgres.RegistryStore)(nil)

func writerPool(t testing.TB, url string) *postgres.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url, postgres.RoleWriter, 8)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	porttest.Registry(t, func(t *testing.T, open bool) writer.RegistryStore {
		return postgres.NewRegistryStore(writerPool(t, kit.Postgres(t)), open)
	})
}
