package kapivara

import "time"

// DataKind tells which member carried an event's data.
type DataKind uint8

// The kinds of data.
const (
	NoData     DataKind = iota // the event has none
	JSONData                   // member data: a JSON value, kept to the byte
	BinaryData                 // member data_base64: Data holds the decoded bytes
)

// NewEvent is an event as a publisher sends it, checked and with its id in normal form.
type NewEvent struct {
	ID     EventID
	Type   string
	Source string // "" = the default /<context>/<system>/<publisher>
	Time   string // RFC 3339 as sent; "" = the time of recording
	// Position is the place in the stream, 0 where the store is to give the next one.
	Position int
	Final    bool
	Kind     DataKind
	Data     []byte
	// Attributes are all other attributes as the members of a JSON object without its braces, in the order sent and
	// with their values as sent: `"subject":"x","correlationid":7`. Empty where there are none.
	Attributes []byte
}

// SameData tells whether a retry carries what was stored: same member, same bytes.
func (e *NewEvent) SameData(kind DataKind, data []byte) bool {
	return e.Kind == kind && string(e.Data) == string(data)
}

// Event is a stored event. Its Position and LogPosition are set, and Source holds the default where none was sent.
type Event struct {
	NewEvent
	Stream      Stream
	Publisher   string
	Recorded    time.Time // the database's clock; may step back, never order by it
	LogPosition int64
}

// DefaultSource is the CloudEvents source of an event that names none.
func DefaultSource(stream Stream, publisher string) string {
	return "/" + stream.Context() + "/" + stream.System() + "/" + publisher
}
