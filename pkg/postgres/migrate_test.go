package postgres_test

import (
	"testing"

	"kapivara/pkg/postgres"
	"kapivara/tests/kit"
)

func TestMigrateTwiceLeavesTheSameSchema(t *testing.T) {
	t.Parallel()
	url := kit.EmptyPostgres(t)
	for range 2 {
		if err := postgres.Migrate(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := postgres.Open(t.Context(), url, postgres.RoleReader, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pool.WaitReady(t.Context(), kit.Logger(t)); err != nil {
		t.Fatal(err)
	}
}
