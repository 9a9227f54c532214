package postgres

import (
	"context"
	_ "embed"
	"strings"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

var (
	//go:embed sql/gather_touched.sql
	gatherTouchedSQL string
	//go:embed sql/gather_grown.sql
	gatherGrownSQL string
	//go:embed sql/stream_contiguous.sql
	streamContiguousSQL string
)

const gatherEvents = 5000 // log positions a transaction, of a backlog of growths

// gatherReadGrown gives the streams that the next part of the log has let grow and that fit, and the end of that part. One
// growth of each stands for those after it: the delivery holds them all.
func gatherReadGrown(ctx context.Context, tx pgx.Tx, g *gathering, most int) (grown []gathered, reached int64, err error) {
	reached = min(g.until, g.after+int64(most))
	rows, err := tx.Query(ctx, gatherTouchedSQL, g.after, reached, g.no, g.until)
	if err != nil {
		return nil, 0, err
	}
	named := map[int64]gathered{}
	var nos []int64
	var c gathered
	_, err = pgx.ForEachRow(rows, []any{&c.no, &c.name, &c.canary}, func() error {
		if g.streams.Fits(string(c.name)) {
			named[c.no] = c
			nos = append(nos, c.no)
		}
		return nil
	})
	if err != nil || len(nos) == 0 {
		return nil, reached, err
	}
	var kinds []int32 // null: any
	if !g.types.All() {
		if kinds, err = gatherKinds(ctx, tx, g); err != nil {
			return nil, 0, err
		}
	}
	if rows, err = tx.Query(ctx, strings.ReplaceAll(gatherGrownSQL, "{contiguous}", streamContiguousSQL), nos, g.after, reached, kinds); err != nil {
		return nil, 0, err
	}
	var no, due int64
	var contiguous int
	_, err = pgx.ForEachRow(rows, []any{&no, &due, &contiguous}, func() error {
		c := named[no]
		c.due, c.grown = due, contiguous
		grown = append(grown, c)
		return nil
	})
	return grown, reached, err
}

func (g *gathering) appended() bool { return g.deliver == kapivara.DeliverAppended }
