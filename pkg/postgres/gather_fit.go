package postgres

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed sql/gather_kinds.sql
	gatherKindsSQL string
	//go:embed sql/gather_fitting.sql
	gatherFittingSQL string
)

// gatherFit keeps the streams that fit the backlog's filters. Event types are looked up only where they decide.
func gatherFit(ctx context.Context, tx pgx.Tx, g *gathering, streams []gathered) ([]gathered, error) {
	fit := streams[:0]
	for _, c := range streams {
		if g.streams.Fits(string(c.name)) {
			fit = append(fit, c)
		}
	}
	if g.types.All() || len(fit) == 0 {
		return fit, nil
	}
	kinds, err := gatherKinds(ctx, tx, g)
	if err != nil {
		return nil, err
	}
	nos := make([]int64, len(fit))
	for i, c := range fit {
		nos[i] = c.no
	}
	rows, err := tx.Query(ctx, gatherFittingSQL, nos, kinds)
	if err != nil {
		return nil, err
	}
	holding, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, err
	}
	held := make(map[int64]bool, len(holding))
	for _, no := range holding {
		held[no] = true
	}
	kept := fit[:0]
	for _, c := range fit {
		if held[c.no] {
			kept = append(kept, c)
		}
	}
	return kept, nil
}

// gatherKinds are the kinds whose event types fit the backlog's filter.
func gatherKinds(ctx context.Context, tx pgx.Tx, g *gathering) ([]int32, error) {
	rows, err := tx.Query(ctx, gatherKindsSQL)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	kinds := []int32{}
	for rows.Next() {
		var no int32
		var name string
		if err := rows.Scan(&no, &name); err != nil {
			return nil, err
		}
		if g.types.Fits(name) {
			kinds = append(kinds, no)
		}
	}
	return kinds, rows.Err()
}
