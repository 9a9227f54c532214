package floors

import (
	"context"
	"fmt"
	"time"

	"kapivara/tests/bench/harness"
)

// startCommit starts the cell of one small row a transaction: what the disk takes for a commit.
func startCommit(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
	url, err := s.Database(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, s, url)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "create table floor (n bigint not null)"); err != nil {
		return nil, fmt.Errorf("create the table: %w", err)
	}
	r := harness.RunnerFunc(func(ctx context.Context, length time.Duration) (result harness.Result, err error) {
		began := time.Now()
		for now := began; now.Sub(began) < length; now = time.Now() {
			if _, err := conn.Exec(ctx, "insert into floor values ($1)", result.Operations); err != nil {
				return result, fmt.Errorf("insert: %w", err)
			}
			result.Operations++
			result.Latencies = append(result.Latencies, time.Since(now))
		}
		result.Elapsed = time.Since(began)
		return result, nil
	})
	return r, warm(ctx, s, r)
}
