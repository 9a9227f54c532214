package postgres

import "strings"

// IDKey is idKey for the tests' own statements.
var IDKey = idKey

// SetWindow makes filtered reads of the log look at fewer positions at once.
func (r *Reader) SetWindow(positions int64) { r.window = positions }

// ReadStatements are the reader's hot statements.
func ReadStatements(backward bool) map[string]string {
	return map[string]string{
		"explain_waiting":   readExplainSQL(readExplainWaitingSQL),
		"explain_delivered": readExplainSQL(readExplainDeliveredSQL),
		"explain_stream":    readSQL(readExplainStreamSQL, false),
		"explain_types":     readExplainTypesSQL,

		"waiting": strings.ReplaceAll(readWaitingSQL, "{table}", "outbox"),
		"event":   readSQL(readEventSQL, backward), "stream": readSQL(readStreamSQL, backward), "log": readSQL(readLogSQL, backward),
	}
}

// SetExact makes the reader count so many waiting deliveries one by one, and estimate more.
func (r *Reader) SetExact(rows int) { r.exact = rows }

// SetPages makes the writer gather and place only so many streams at once, and go through so many log positions.
func (s *RegistryStore) SetPages(streams, events int) { s.page, s.events = streams, events }
