package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/gather_next.sql
	gatherNextSQL string
	//go:embed sql/gather_streams.sql
	gatherStreamsSQL string
	//go:embed sql/gather_put.sql
	gatherPutSQL string
	//go:embed sql/gather_advance.sql
	gatherAdvanceSQL string
	//go:embed sql/gather_finish.sql
	gatherFinishSQL string
	//go:embed sql/gather_sweep.sql
	gatherSweepSQL string
	//go:embed sql/gather_sweep_replays.sql
	gatherSweepReplaysSQL string
)

const (
	gatherPage  = 2000 // streams a transaction gathers or places
	gatherSwept = 10_000

	gatherTimeout = 30 * time.Second
)

// gathering is a subscriber's backlog: what became due in (after, until] is still to be put into the outbox.
type gathering struct {
	no              int32
	name            string
	buckets, canary int
	after, until    int64
	deliver         kapivara.Mode
	types, streams  kapivara.Filter
}

// Gather works off the next part of one backlog, else of what removed subscribers have left: see the port in the writer.
func (s *RegistryStore) Gather(ctx context.Context) (worked bool, finished string, err error) {
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	var g *gathering
	err = s.pool.inTx(ctx, func(tx pgx.Tx) (err error) {
		if g, err = gatherNext(ctx, tx); err != nil || g == nil || g.after >= g.until {
			return err
		}
		return s.gatherPart(ctx, tx, g)
	})
	switch {
	case err != nil:
		return false, "", fmt.Errorf("gather: %w", err)
	case g == nil:
		return s.sweep(ctx)
	case g.after < g.until:
		return true, "", nil
	}
	finished, err = s.gatherFinish(ctx, g)
	return true, finished, err
}

func gatherNext(ctx context.Context, tx pgx.Tx) (*gathering, error) {
	var g gathering
	var types, streams []string
	err := tx.QueryRow(ctx, gatherNextSQL).
		Scan(&g.no, &g.name, &g.buckets, &g.canary, &g.after, &g.until, &g.deliver, &types, &streams)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	g.types, g.streams = types, streams
	return &g, err
}

// gatherPart puts the next streams of the backlog into the outbox and notes how far it has come.
func (s *RegistryStore) gatherPart(ctx context.Context, tx pgx.Tx, g *gathering) error {
	read, most := gatherReadCompleted, s.page
	if g.appended() {
		read, most = gatherReadGrown, s.events
	}
	streams, reached, err := read(ctx, tx, g, most)
	if err != nil {
		return fmt.Errorf("read streams: %w", err)
	}
	due, nos, buckets := make([]int64, len(streams)), make([]int64, len(streams)), make([]int16, len(streams))
	causes, grown := make([]int16, len(streams)), make([]*int, len(streams))
	for i, c := range streams {
		due[i], nos[i], causes[i] = c.due, c.no, outboxComplete
		buckets[i] = int16(kapivara.BucketOf(c.name.Hash(), c.canary, g.buckets, g.canary))
		if c.grown > 0 {
			causes[i], grown[i] = outboxAppended, &streams[i].grown
		}
	}
	if len(streams) > 0 {
		if _, err := tx.Exec(ctx, gatherPutSQL, g.no, due, nos, buckets, causes, grown); err != nil {
			return fmt.Errorf("put into the outbox: %w", err)
		}
	}
	_, err = tx.Exec(ctx, gatherAdvanceSQL, g.no, reached)
	return err
}

// gathered is a stream that has become due.
type gathered struct {
	no, due int64
	name    kapivara.Stream
	canary  bool
	grown   int // how far, where a growth has made it due
}

// gatherReadCompleted gives those of the next completed streams, at most so many, that fit, and up to which log position
// these are all.
func gatherReadCompleted(ctx context.Context, tx pgx.Tx, g *gathering, most int) (streams []gathered, reached int64, err error) {
	rows, err := tx.Query(ctx, gatherStreamsSQL, g.after, g.until, most)
	if err != nil {
		return nil, 0, err
	}
	streams, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c gathered, err error) {
		err = row.Scan(&c.no, &c.due, &c.name, &c.canary)
		return c, err
	})
	if err != nil {
		return nil, 0, err
	}
	reached = g.until
	if len(streams) == most {
		reached = streams[len(streams)-1].due
	}
	streams, err = gatherFit(ctx, tx, g, streams)
	return streams, reached, err
}

// gatherFinish ends a backlog. It takes the log's lock first, as every change of the registry does, so it is a
// transaction of its own: the one that has locked the subscriber's row must not wait for the log.
func (s *RegistryStore) gatherFinish(ctx context.Context, g *gathering) (finished string, err error) {
	if finished, err = s.finish(ctx, gatherFinishSQL, g.no); err != nil {
		return "", fmt.Errorf("gather: finish: %w", err)
	}
	return finished, nil
}

// finish runs the statement under the log's lock and gives the registry its next version where it names a subscriber.
func (s *RegistryStore) finish(ctx context.Context, sql string, subscriber int32) (finished string, err error) {
	err = s.pool.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, registryLockSQL); err != nil {
			return fmt.Errorf("lock the log: %w", err)
		}
		err := tx.QueryRow(ctx, sql, subscriber).Scan(&finished)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // another writer was faster
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, registryBumpSQL)
		return err
	})
	return finished, err
}

func (s *RegistryStore) sweep(ctx context.Context) (worked bool, _ string, err error) {
	for _, sql := range [...]string{gatherSweepSQL, gatherSweepReplaysSQL} {
		swept, err := s.pool.Exec(ctx, sql, gatherSwept)
		if err != nil {
			return false, "", fmt.Errorf("sweep up after removed subscribers: %w", translate(err, false))
		}
		worked = worked || swept.RowsAffected() > 0
	}
	return worked, "", nil
}
