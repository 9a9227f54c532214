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
	window int64 // how many log positions one filtered statement looks at
}

// NewReader reads over the pool's connections.
func NewReader(pool *Pool) *Reader { return &Reader{pool: pool, window: readWindow} }

//go:embed sql/read_head.sql
var readHeadSQL string

const (
	// readEventColumns are what readRow scans, of an event e and its kind k; the stream's name is apart.
	readEventColumns = `e.log_position, e.recorded, e.position, k.type, k.publisher, e.flags, e.id, e.occurred, e.source, e.attributes, e.data`
	// readWeightSQL is kapivara.Event.Weight in SQL; octet_length unpacks nothing.
	readWeightSQL = `(coalesce(octet_length(e.data), 0) * case when e.flags & 4 = 4 then 4 else 3 end / 3 + coalesce(octet_length(e.attributes), 0) + 300)`
)

// readSQL fills in the parts that the statements share.
func readSQL(statement string, backward bool) string {
	desc, after := "", ">"
	if backward {
		desc, after = "desc", "<"
	}
	return strings.NewReplacer("{head}", readHeadSQL, "{event}", readEventColumns, "{weight}", readWeightSQL,
		"{desc}", desc, "{after}", after).Replace(statement)
}

// Flags of an event (schema/migrations/0001_store.tx.up.sql).
const (
	readFinal  = 1
	readJSON   = 2
	readBinary = 4
)

// readRow takes the columns of readEventColumns. All are null where a page has no event.
type readRow struct {
	logPosition                                   *int64
	recorded                                      *time.Time
	position                                      *int32
	kind, publisher, occurred, source, attributes *string
	flags                                         *int16
	id, data                                      []byte
}

func (r *readRow) into() []any {
	return []any{
		&r.logPosition, &r.recorded, &r.position, &r.kind, &r.publisher, &r.flags, &r.id, &r.occurred, &r.source,
		&r.attributes, &r.data,
	}
}

// event is the row as an event of the stream.
func (r *readRow) event(stream kapivara.Stream) kapivara.Event {
	e := kapivara.Event{
		Stream: stream, Publisher: *r.publisher, Recorded: r.recorded.UTC(), LogPosition: *r.logPosition,
		NewEvent: kapivara.NewEvent{
			ID: idFromKey(r.id), Type: *r.kind, Position: int(*r.position), Final: *r.flags&readFinal != 0, Data: r.data,
		},
	}
	switch {
	case *r.flags&readJSON != 0:
		e.Kind = kapivara.JSONData
	case *r.flags&readBinary != 0:
		e.Kind = kapivara.BinaryData
	}
	if r.occurred != nil {
		e.Time = *r.occurred
	}
	if r.attributes != nil {
		e.Attributes = []byte(*r.attributes)
	}
	if r.source != nil {
		e.Source = *r.source
	} else {
		e.Source = kapivara.DefaultSource(stream, e.Publisher)
	}
	return e
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
