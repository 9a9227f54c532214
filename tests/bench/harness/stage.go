package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// The roles by which the table shows who has used what. A cell may have others.
const (
	Postgres   = "postgres"
	NATS       = "nats"
	Writer     = "writer"
	Reader     = "reader"
	Dispatcher = "dispatcher"
	Client     = "client" // this process, which makes the load, and what a cell starts to make it
)

// Stage is where one cell stands: what it has started, and who is counted in its rounds.
type Stage struct {
	*Ground
	processes []*Process
	postgres  bool // it has a database: the server's processes count
	beside    []*Stage
	cleanups  []func(context.Context) error
}

func newStage(g *Ground) *Stage { return &Stage{Ground: g} }

// Cleanup has f called when the cell has stopped, the last one first.
func (s *Stage) Cleanup(f func(ctx context.Context) error) { s.cleanups = append(s.cleanups, f) }

// close puts away what stands on the stage.
func (s *Stage) close(ctx context.Context) error {
	var errs []error
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		errs = append(errs, s.cleanups[i](ctx))
	}
	s.cleanups, s.processes, s.beside = nil, nil, nil
	return errors.Join(errs...)
}

// NewDir is an empty folder of the cell's own, in which any user may pass.
func (s *Stage) NewDir(name string) (string, error) {
	dir := filepath.Join(s.Dir, s.unique(name))
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // holds nothing secret
		return "", fmt.Errorf("folder of the cell: %w", err)
	}
	s.Cleanup(func(context.Context) error { return os.RemoveAll(dir) })
	return dir, nil
}

// Database is an empty database of the cell's own on the run's PostgreSQL server, and the connection string of its
// superuser. The processes of the server are counted in the cell's rounds from then on.
func (s *Stage) Database(ctx context.Context) (url string, err error) {
	name := s.unique("bench")
	if err := s.admin(ctx, "create database "+name); err != nil {
		return "", err
	}
	s.postgres = true
	s.Cleanup(func(ctx context.Context) error { return s.admin(ctx, "drop database "+name+" with (force)") })
	return s.PostgresURL(name), nil
}

func (s *Stage) admin(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.PostgresURL("postgres"))
	if err != nil {
		return fmt.Errorf("%s: connect: %w", sql, err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// unique is a name that nothing else of the run has.
func (g *Ground) unique(name string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.names++
	return fmt.Sprintf("%s_%d", name, g.names)
}
