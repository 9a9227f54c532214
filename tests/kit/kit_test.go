package kit_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"kapivara/tests/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

func TestEmptyPostgresGivesEachTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	first, second := kit.EmptyPostgres(t), kit.EmptyPostgres(t)
	for _, url := range []string{first, second} {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "create table once (n int)"); err != nil {
			t.Errorf("the same table in each database: %v", err)
		}
		conn.Close(context.Background())
	}
}

func TestNATSAnswers(t *testing.T) {
	t.Parallel()
	nc, err := nats.Connect(kit.NATS(t))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.Flush(); err != nil {
		t.Error(err)
	}
}

func TestLoggerOutlivesItsTest(t *testing.T) {
	logger := kit.Logger(t)
	t.Run("inner", func(t *testing.T) { logger = kit.Logger(t) })
	logger.Info("after the end") // would panic
}

func TestEventuallyWaits(t *testing.T) {
	t.Parallel()
	asked := 0
	kit.Eventually(t, time.Minute, func() error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if asked != 3 {
		t.Errorf("asked %d times, want 3", asked)
	}
}

func TestRootHoldsTheModule(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(filepath.Join(kit.Root(t), "go.mod")); err != nil {
		t.Error(err)
	}
}

func TestPostgresIsMigrated(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), kit.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var tables int
	err = conn.QueryRow(t.Context(), "select count(*) from pg_tables where schemaname = 'kapivara'").Scan(&tables)
	if err != nil || tables == 0 {
		t.Errorf("tables of the schema: got %d, %v; want some", tables, err)
	}
}
