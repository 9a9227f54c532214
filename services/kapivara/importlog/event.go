// Package importlog reads event logs of other systems (JSON Lines, CSV, XES of IEEE 1849; plain or gzip) as the events
// of cases: one case is one stream, its events are numbered in log order, and the last one is final.
//
// It reads as a stream: what it holds in memory grows with the number of cases and with the longest case of an XES log,
// never with the number of events.
package importlog

import (
	"fmt"

	"github.com/google/uuid"
)

// Event is one event of a log, ready to be appended.
type Event struct {
	Case     string // the case's id; the stream's id part
	ID       string // the id of the log, else a UUIDv5 of log, case and position: the same at every reading
	Type     string // the activity
	Time     string // RFC 3339, "" where the log has none
	Position int    // 1, 2, 3 … in log order of the case, or as the log gives it
	Final    bool
	Data     []byte // a JSON value, nil where there is none
	Row      int64  // the line or, in XES, the number of the event in the log
}

// Reader gives the events of a log one after another, and io.EOF after the last. A *BadRow is no end: read on.
type Reader interface {
	Next() (Event, error)
}

// BadRow is a row of the log that is no event.
type BadRow struct {
	Row    int64
	Reason string
}

// Error names the row and what is wrong with it.
func (b *BadRow) Error() string { return fmt.Sprintf("row %d: %s", b.Row, b.Reason) }

func badRow(row int64, format string, args ...any) *BadRow {
	return &BadRow{Row: row, Reason: fmt.Sprintf(format, args...)}
}

// eventID is the UUIDv5, in the URL name space, of "log/case#position".
func eventID(log, caseID string, position int) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%s#%d", log, caseID, position)).String()
}
