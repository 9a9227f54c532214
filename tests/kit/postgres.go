package kit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/embedded"
)

// shared is the cluster of this test binary. It starts with the first test that asks for it.
var shared struct {
	once    sync.Once
	dir     string
	cluster *embedded.Postgres
	err     error
	names   atomic.Int64
}

func sharedCluster() (*embedded.Postgres, error) {
	shared.once.Do(func() {
		shared.dir, shared.err = newDir()
		if shared.err != nil {
			return
		}
		shared.cluster, shared.err = startCluster(context.Background(), shared.dir)
	})
	return shared.cluster, shared.err
}

func stopShared(ctx context.Context) error {
	defer os.RemoveAll(shared.dir)
	if shared.cluster == nil {
		return nil
	}
	if err := shared.cluster.Err(); err != nil {
		return err // it died under the tests
	}
	return shared.cluster.Stop(ctx)
}

func startCluster(ctx context.Context, dir string) (*embedded.Postgres, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return embedded.StartPostgres(ctx, embedded.PostgresConfig{
		DataDir:  dir,
		PGBin:    os.Getenv("KAPIVARA_PG_BIN"),
		Settings: map[string]string{"max_connections": "300", "shared_buffers": "128MB"},
	})
}

// newDir is a folder that any user may pass through: as root the server runs as another user.
func newDir() (string, error) {
	dir, err := os.MkdirTemp("", "kapivara-test-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// EmptyPostgres gives the test an empty database of its own on this binary's cluster, and the connection string of
// its superuser. The database is dropped when the test ends, whoever is still connected.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	return newDatabase(t, "template1")
}

// Cluster starts a cluster for this test alone, for tests that stop or kill their server. It is stopped when the test
// ends. Its database is empty.
func Cluster(t testing.TB) *embedded.Postgres {
	t.Helper()
	dir, err := newDir()
	if err != nil {
		t.Fatalf("kit: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return ClusterIn(t, filepath.Join(dir, "own"))
}

// ClusterIn is Cluster in a given folder, for tests that start a server again on its old data.
func ClusterIn(t testing.TB, dir string) *embedded.Postgres {
	t.Helper()
	pg, err := startCluster(context.Background(), dir)
	if err != nil {
		t.Fatalf("kit: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := pg.Stop(ctx); err != nil {
			t.Errorf("kit: %v", err)
		}
	})
	return pg
}

func newDatabase(t testing.TB, template string) string {
	t.Helper()
	pg, err := sharedCluster()
	if err != nil {
		t.Fatalf("kit: %v", err)
	}
	name := fmt.Sprintf("test_%d", shared.names.Add(1))
	if err := onCluster(pg, "create database "+name+" template "+template); err != nil {
		t.Fatalf("kit: %v", err)
	}
	t.Cleanup(func() {
		if err := onCluster(pg, "drop database "+name+" with (force)"); err != nil {
			t.Errorf("kit: %v", err)
		}
	})
	return pg.URL(embedded.Owner, name)
}

// onCluster runs one statement outside of any test's database.
func onCluster(pg *embedded.Postgres, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, pg.URL(embedded.Owner, "postgres"))
	if err != nil {
		return fmt.Errorf("%s: connect: %w", sql, err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
