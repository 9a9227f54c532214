package rivals

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"kapivara/tests/bench/harness"
)

// newPool opens so many connections to a database of the cell's own. The rest of the run finds the pool asleep.
func newPool(ctx context.Context, s *harness.Stage, conns int, searchPath string) (*pgxpool.Pool, error) {
	url, err := s.Database(ctx)
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("connection string: %w", err)
	}
	config.MaxConns, config.MinConns = int32(conns), int32(conns) //nolint:gosec // small
	if searchPath != "" {
		config.ConnConfig.RuntimeParams["search_path"] = searchPath
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the pool: %w", err)
	}
	s.Cleanup(func(context.Context) error { pool.Close(); return nil })
	return pool, nil
}

// countOf is what a statement that counts gives.
func countOf(pool *pgxpool.Pool, sql string) func(context.Context) (int64, error) {
	return func(ctx context.Context) (n int64, err error) {
		err = pool.QueryRow(ctx, sql).Scan(&n)
		return n, err
	}
}

// analyzing brings the statistics of the pool's database up to date.
func analyzing(pool *pgxpool.Pool) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := pool.Exec(ctx, "analyze")
		return err
	}
}
