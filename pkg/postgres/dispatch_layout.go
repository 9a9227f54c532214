package postgres

import (
	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// dispatchQueueLayouts holds the layouts by which the turn leases, before it locks anything else.
func dispatchQueueLayouts(batch *pgx.Batch, layouts []kapivara.HeldLayout) {
	n := len(layouts)
	if n == 0 {
		return
	}
	nos, buckets, canary, due := make([]int32, n), make([]int32, n), make([]int32, n), make([]int64, n)
	for i, l := range layouts {
		nos[i], due[i] = l.Subscriber, l.Due
		buckets[i], canary[i] = int32(l.Buckets), int32(l.CanaryBuckets) //nolint:gosec // at most 1024
	}
	batch.Queue(dispatchHoldLayoutsSQL, nos, buckets, canary, due)
}

// dispatchAskMoves asks up to where the streams of subscribers whose layout was changed are placed.
func dispatchAskMoves(batch *pgx.Batch, look *kapivara.Look) {
	batch.Queue(dispatchMovesSQL).Query(func(rows pgx.Rows) error {
		return readEach(rows, func(rows pgx.Rows) error {
			var m kapivara.Move
			err := rows.Scan(&m.Subscriber, &m.Placed, &m.Until)
			look.Moves = append(look.Moves, m)
			return err
		})
	})
}
