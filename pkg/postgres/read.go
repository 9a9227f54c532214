package postgres

import (
	_ "embed"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/kapivara"
)

// Reader answers the read service's questions. The hot ones are statements in .sql files, run by pgx; those that are put
// together from optional filters are built by bun. It writes nothing and locks nothing.
type Reader struct {
	pool   *Pool
	kinds  readKinds
	window int64 // how many log positions one filtered statement looks at
	exact  int   // how many waiting deliveries of a subscriber are counted one by one
}

// NewReader reads over the pool's connections.
func NewReader(pool *Pool) *Reader {
	return &Reader{pool: pool, kinds: readKinds{known: map[int32]readKind{}}, window: readWindow, exact: readExact}
}

//go:embed sql/read_head.sql
var readHeadSQL string

const (
	// readEventColumns are what readRow scans of an event e.
	readEventColumns = `coalesce(e.log_position, 0), coalesce(e.recorded, 'epoch'), coalesce(e.position, 0), coalesce(e.kind_no, 0),
		coalesce(e.flags, 0), e.id, coalesce(e.occurred, ''), coalesce(e.source, ''), coalesce(e.attributes, ''), e.data`
	// readNameColumn is the name of the event's stream. As a subquery it is an index lookup for each row, in every plan.
	readNameColumn = `(select s.name from kapivara.streams s where s.stream_no = e.stream_no)`
	// readWeightSQL is kapivara.Event.Weight in SQL; octet_length unpacks nothing.
	readWeightSQL = `(coalesce(octet_length(e.data), 0) * case when e.flags & 4 = 4 then 4 else 3 end / 3 + coalesce(octet_length(e.attributes), 0) + 300)`
)

// readSQL fills in the parts that the statements share.
func readSQL(statement string, backward bool) string {
	desc, after := "", ">"
	if backward {
		desc, after = "desc", "<"
	}
	return strings.NewReplacer("{head}", readHeadSQL, "{event}", readEventColumns,
		"{name}", readNameColumn, "{weight}", readWeightSQL,
		"{desc}", desc, "{after}", after).Replace(statement)
}

// readNull is the time as a parameter, null for the zero time.
func readNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// readRanges joins the bounds of the holes.
func readRanges(low, high []int32) []kapivara.Range {
	if len(low) == 0 {
		return nil
	}
	holes := make([]kapivara.Range, len(low))
	for i := range low {
		holes[i] = kapivara.Range{From: int(low[i]), To: int(high[i])}
	}
	return holes
}

// readEach runs scan for each row and closes the rows.
func readEach(rows pgx.Rows, scan func(pgx.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
