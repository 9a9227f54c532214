//go:build unix

package embedded_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/embedded"
)

// startPostgres starts a server for the test and stops it at its end.
func startPostgres(t *testing.T, cfg embedded.PostgresConfig) *embedded.Postgres {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cfg.Progress = func(step string) { t.Log(step) }
	pg, err := embedded.StartPostgres(ctx, cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() { stopPostgres(t, pg) })
	return pg
}

func stopPostgres(t *testing.T, pg *embedded.Postgres) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := pg.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// exec runs one statement as the owner.
func exec(t *testing.T, pg *embedded.Postgres, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pg.URL(embedded.Owner, embedded.Database))
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// answer is the one text value that a query gives.
func answer(t *testing.T, pg *embedded.Postgres, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pg.URL(embedded.Owner, embedded.Database))
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer conn.Close(context.Background())
	var text string
	if err := conn.QueryRow(t.Context(), sql).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

func TestPostgresKeepsDataOverARestart(t *testing.T) {
	t.Parallel()
	cfg := embedded.PostgresConfig{DataDir: shortDir(t)}
	pg := startPostgres(t, cfg)
	exec(t, pg, "create table kept (word text); insert into kept values ('here')")
	stopPostgres(t, pg)
	stopPostgres(t, pg) // twice is fine
	if err := pg.Err(); err != nil {
		t.Errorf("Err after Stop: got %v, want nil", err)
	}
	again := startPostgres(t, cfg)
	if got := answer(t, again, "select word from kept"); got != "here" {
		t.Errorf("after a restart: got %q, want %q", got, "here")
	}
}

func TestPostgresStaysDurable(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t, embedded.PostgresConfig{DataDir: shortDir(t)})
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		if got := answer(t, pg, "select current_setting('"+name+"')"); got != "on" {
			t.Errorf("%s: got %q, want on", name, got)
		}
	}
	if got := answer(t, pg, "select current_setting('listen_addresses')"); got != "" {
		t.Errorf("listen_addresses: got %q, want none", got)
	}
}

// shortDir is a fresh folder that any user may pass through, with a short path.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "kapi-") //nolint:usetesting // short, for a socket, and open to any user
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
