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
	nos, relaid, due := make([]int32, n), make([]int64, n), make([]int64, n)
	for i, l := range layouts {
		nos[i], relaid[i], due[i] = l.Subscriber, l.Relaid, l.Due
	}
	batch.Queue(dispatchHoldLayoutsSQL, nos, relaid, due)
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
