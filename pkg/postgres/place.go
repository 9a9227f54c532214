package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/place_moving.sql
	placeMovingSQL string
	//go:embed sql/place_hold.sql
	placeHoldSQL string
	//go:embed sql/place_outbox.sql
	placeOutboxSQL string
	//go:embed sql/place_replays.sql
	placeReplaysSQL string
	//go:embed sql/place_move_outbox.sql
	placeMoveOutboxSQL string
	//go:embed sql/place_move_replays.sql
	placeMoveReplaysSQL string
	//go:embed sql/place_advance.sql
	placeAdvanceSQL string
	//go:embed sql/place_finish.sql
	placeFinishSQL string
)

// placing is a subscriber whose layout was changed: what is due in (after, until] is to be placed by the layout.
type placing struct {
	no           int32
	name         string
	layout       kapivara.Layout
	after, until int64
	grown        bool // it was "appended" at some time
	page         int  // streams a transaction
}

// Place puts the next part of what waits for a subscriber into the buckets in force: see the port in the writer.
func (s *RegistryStore) Place(ctx context.Context) (worked bool, finished string, err error) {
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, placeMovingSQL)
	if err != nil {
		return false, "", fmt.Errorf("place: %w", translate(err, false))
	}
	moving, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return false, "", fmt.Errorf("place: %w", translate(err, false))
	}
	for _, no := range moving {
		p, err := s.placePart(ctx, no)
		switch {
		case err != nil:
			return false, "", fmt.Errorf("place: %w", err)
		case p == nil: // another writer is at it, or has ended it
		case p.after < p.until:
			return true, "", nil
		default:
			finished, err := s.placeFinish(ctx, p)
			return true, finished, err
		}
	}
	return false, "", nil
}

// placePart places the next part of one subscriber, or finds that there is none left. It gives nil where another writer
// does.
func (s *RegistryStore) placePart(ctx context.Context, no int32) (p *placing, err error) {
	err = s.pool.inTx(ctx, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, "select pg_try_advisory_xact_lock($1, $2)", lockSpacePlace, no).Scan(&mine); err != nil || !mine {
			return err
		}
		got := placing{no: no, page: s.page}
		err := tx.QueryRow(ctx, placeHoldSQL, no).
			Scan(&got.name, &got.layout.Buckets, &got.layout.CanaryBuckets, &got.after, &got.until, &got.grown)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		p = &got
		if got.after >= got.until {
			return nil
		}
		return got.place(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// place places the next page in log order, of what waits for the first time and of what is to be sent again, and notes
// up to where it is placed: that may be leased from then on.
func (p *placing) place(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "set local enable_sort = off"); err != nil {
		return err
	}
	waiting, reached, err := p.read(ctx, tx, placeOutboxSQL, p.until)
	if err != nil {
		return fmt.Errorf("read what waits: %w", err)
	}
	again, reached, err := p.read(ctx, tx, placeReplaysSQL, reached)
	if err != nil {
		return fmt.Errorf("read what is to be sent again: %w", err)
	}
	// A turn that leases holds the subscriber's row, so it waits from here to the end. What it takes away is placed, so that
	// it never meets what is moved here; but a growth takes later ones of its stream away as well. There the row is
	// locked before what waits, as such a turn does.
	if p.grown {
		if _, err = tx.Exec(ctx, placeAdvanceSQL, p.no, reached); err != nil {
			return err
		}
	}
	if err := p.move(ctx, tx, placeMoveOutboxSQL, waiting, reached); err != nil {
		return fmt.Errorf("move what waits: %w", err)
	}
	if err := p.move(ctx, tx, placeMoveReplaysSQL, again, reached); err != nil {
		return fmt.Errorf("move what is to be sent again: %w", err)
	}
	if !p.grown {
		_, err = tx.Exec(ctx, placeAdvanceSQL, p.no, reached)
	}
	return err
}

// placed is a stream that waits, with the bucket in which it stands.
type placed struct {
	due    int64
	bucket int16
	name   kapivara.Stream
	canary bool
}

// read reads at most a page of streams due up to a log position, and up to where nothing is left out. A change of the
// subscriber waits for the page with the log's lock, and, where it was ever "appended", a turn that leases to it while
// rows are written.
func (p *placing) read(ctx context.Context, tx pgx.Tx, sql string, until int64) ([]placed, int64, error) {
	rows, err := tx.Query(ctx, sql, p.no, p.after, until, p.page)
	if err != nil {
		return nil, 0, err
	}
	page, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r placed, err error) {
		err = row.Scan(&r.due, &r.bucket, &r.name, &r.canary)
		return r, err
	})
	if err != nil {
		return nil, 0, err
	}
	if len(page) == p.page {
		until = page[p.page-1].due
	}
	return page, until, nil
}

// move writes the buckets of those that are due up to reached and stand in another one.
func (p *placing) move(ctx context.Context, tx pgx.Tx, sql string, page []placed, reached int64) error {
	var due []int64
	var buckets []int16
	for _, r := range page {
		b := int16(p.layout.BucketOf(r.name, r.canary)) //nolint:gosec // at most 1024
		if r.due <= reached && b != r.bucket {
			due, buckets = append(due, r.due), append(buckets, b)
		}
	}
	if len(due) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, sql, p.no, due, buckets)
	return err
}

// placeFinish ends a move. As gatherFinish it is a transaction of its own that takes the log's lock first.
func (s *RegistryStore) placeFinish(ctx context.Context, p *placing) (finished string, err error) {
	if finished, err = s.finish(ctx, placeFinishSQL, p.no); err != nil {
		return "", fmt.Errorf("place: finish: %w", err)
	}
	return finished, nil
}
