package postgres

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed sql/read_waiting.sql
	readWaitingSQL string
	//go:embed sql/read_waiting_samples.sql
	readSamplesSQL string
)

const (
	// readExact is how many waiting deliveries of a subscriber are counted one by one: some milliseconds. Where more
	// wait, they are estimated, so that a look costs the same whatever waits.
	readExact = 50_000
	// readSamples is how many of them an estimate looks at.
	readSamples = 20_000
)

// readWaiting is how many deliveries wait for their first lease, by bucket, as columns.
type readWaiting struct {
	at      map[int32]int // where a bucket stands in the columns
	buckets []int32
	pending []int64
	due     []*int64 // the earliest of what is live, nil for none
}

// countWaiting counts what waits in the outbox and among the replays, of at most r.exact rows one by one.
func (r *Reader) countWaiting(ctx context.Context, tx pgx.Tx, subscriber int32) (*readWaiting, error) {
	w := &readWaiting{at: map[int32]int{}}
	for _, table := range [...]string{"outbox", "replays"} {
		found, err := readWaitingIn(ctx, tx, readWaitingSQL, table, subscriber, r.exact)
		if err == nil && found.sum() >= int64(r.exact) {
			found, err = readWaitingIn(ctx, tx, readSamplesSQL, table, subscriber, min(readSamples, r.exact))
		}
		if err != nil {
			return nil, fmt.Errorf("count the %s: %w", table, translate(err, false))
		}
		for i, bucket := range found.buckets {
			due := found.due[i]
			if table == "replays" {
				due = nil // of old: that it waits is no lag
			}
			w.add(bucket, found.pending[i], due)
		}
	}
	return w, nil
}

func readWaitingIn(ctx context.Context, tx pgx.Tx, sql, table string, subscriber int32, rows int) (*readWaiting, error) {
	w := &readWaiting{at: map[int32]int{}}
	found, err := tx.Query(ctx, strings.ReplaceAll(sql, "{table}", table), subscriber, rows)
	if err != nil {
		return nil, err
	}
	return w, readEach(found, func(rows pgx.Rows) error {
		var bucket int32
		var pending, due int64
		err := rows.Scan(&bucket, &pending, &due)
		w.add(bucket, pending, &due)
		return err
	})
}

func (w *readWaiting) add(bucket int32, pending int64, due *int64) {
	i, there := w.at[bucket]
	if !there {
		i = len(w.buckets)
		w.at[bucket] = i
		w.buckets, w.pending, w.due = append(w.buckets, bucket), append(w.pending, 0), append(w.due, nil)
	}
	w.pending[i] += pending
	if due != nil {
		w.due[i] = due
	}
}

func (w *readWaiting) sum() (n int64) {
	for _, pending := range w.pending {
		n += pending
	}
	return n
}
