package postgres

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"kapivara/pkg/kapivara"
)

// Names of the prepared statements of the append connection.
const (
	stmtTake    = "take"
	stmtStreams = "streams"
	stmtEvents  = "events"
	stmtOutbox  = "outbox"
	stmtGrown   = "grown"
)

// appendStatements are prepared when the append connection opens.
var appendStatements = [...]struct{ name, sql string }{ //nolint:gochecknoglobals // constant
	{stmtTake, sqlAppendTake},
	{stmtStreams, sqlAppendStreams},
	{stmtEvents, sqlAppendEvents},
	{stmtOutbox, sqlAppendOutbox},
	{stmtGrown, sqlAppendGrown},
}

// batchMessages writes the whole transaction of a batch as messages of the extended query protocol, up to one Sync: until
// that all is one transaction, which the server commits at the Sync (manual, "Message Flow", "Pipelining"). A COPY's data
// follow its Execute without waiting for the server's word; when anything fails the server skips to the Sync.
func batchMessages(dst []byte, b *kapivara.Batch) ([]byte, error) {
	m := messages{buf: dst}
	m.execute(stmtTake, binaryInt8s(b.After.Head, b.After.Tag, b.After.Registry, b.Tag, int64(len(b.New))))
	if len(b.New) > 0 {
		m.copy(stmtStreams, func(c copyRows) copyRows { return c.streams(b.New) })
	}
	m.copy(stmtEvents, func(c copyRows) copyRows { return c.events(b.Events) })
	if len(b.Due) > 0 {
		m.copy(stmtOutbox, func(c copyRows) copyRows { return c.outbox(b.Due) })
	}
	if len(b.Grown) > 0 {
		m.execute(stmtGrown, grownArrays(b.Grown))
	}
	m.add(&pgproto3.Sync{})
	return m.buf, m.err
}

// messages gathers messages in one buffer, to be sent by one write.
type messages struct {
	buf []byte
	err error
}

func (m *messages) add(msg pgproto3.FrontendMessage) {
	if m.err == nil {
		m.buf, m.err = msg.Encode(m.buf)
	}
}

func (m *messages) execute(statement string, parameters [][]byte) {
	m.add(&pgproto3.Bind{
		PreparedStatement: statement, Parameters: parameters,
		ParameterFormatCodes: []int16{pgtype.BinaryFormatCode}, ResultFormatCodes: []int16{pgtype.BinaryFormatCode},
	})
	m.add(&pgproto3.Execute{})
}

// copy encodes the rows straight into the buffer, as one CopyData message.
func (m *messages) copy(statement string, rows func(copyRows) copyRows) {
	m.add(&pgproto3.Bind{PreparedStatement: statement})
	m.add(&pgproto3.Execute{})
	start := len(m.buf)
	m.buf = rows(append(m.buf, 'd', 0, 0, 0, 0))
	binary.BigEndian.PutUint32(m.buf[start+1:], uint32(len(m.buf)-start-1)) //nolint:gosec // a batch is far below 4 GiB
	m.add(&pgproto3.CopyDone{})
}

func binaryInt8s(values ...int64) [][]byte {
	parameters := make([][]byte, len(values))
	for i, v := range values {
		parameters[i] = binary.BigEndian.AppendUint64(nil, uint64(v)) //nolint:gosec // two's complement
	}
	return parameters
}

// grownArrays are the parameters of append_grown.sql.
func grownArrays(heads []*kapivara.Head) [][]byte {
	n := len(heads)
	no, completed := newArray(pgtype.Int8OID, n), newArray(pgtype.Int8OID, n)
	version, contiguous, finish := newArray(pgtype.Int4OID, n), newArray(pgtype.Int4OID, n), newArray(pgtype.Int4OID, n)
	for _, h := range heads {
		no, completed = no.int64(h.No), completed.int64(h.Completed)
		version, contiguous, finish = version.int32(h.Version), contiguous.int32(h.Contiguous), finish.int32(h.Finish)
	}
	return [][]byte{no, completed, version, contiguous, finish}
}

// newArray begins an array of one dimension without nulls in PostgreSQL's binary form; its elements are fields as in a COPY.
func newArray(element uint32, n int) copyRows {
	a := copyRows{0, 0, 0, 1, 0, 0, 0, 0}
	a = binary.BigEndian.AppendUint32(a, element)
	a = binary.BigEndian.AppendUint32(a, uint32(n)) //nolint:gosec // a batch's streams
	return binary.BigEndian.AppendUint32(a, 1)
}
