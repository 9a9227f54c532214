package postgres_test

import (
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/postgres"
	"kapivara/tests/kit"
	"kapivara/tests/stores"
)

// readFixture writes rows as the writer and the dispatcher do, as the owner, and by statements of its own: what the
// reader says of them does not rest on their code.
type readFixture struct{ *stores.Filler }

func newReadFixture(t *testing.T) (*postgres.Reader, *readFixture) {
	t.Helper()
	url, pool := newReadPool(t)
	return postgres.NewReader(pool), &readFixture{stores.NewFiller(t, url)}
}

// newReadPool gives the owner's URL of an empty store, and a pool of the reader.
func newReadPool(t *testing.T) (string, *postgres.Pool) {
	t.Helper()
	url := kit.Postgres(t)
	pool, err := postgres.Open(t.Context(), url, postgres.RoleReader, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return url, pool
}

func (f *readFixture) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	f.Exec(t, sql, args...)
}

func (f *readFixture) fill(t *testing.T, events ...kapivara.Event) {
	t.Helper()
	f.Fill(t, events...)
}
