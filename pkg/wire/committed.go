package wire

import (
	"encoding/json"
	"strconv"
)

// Committed is the note that a service publishes on InternalCommitted after a commit. It only wakes others up: who
// misses it finds the same by polling.
type Committed struct {
	Head     int64 `json:"head"`     // the log's head after the commit
	Due      bool  `json:"due"`      // a stream has become due
	Registry bool  `json:"registry"` // the registry has changed
}

// Append writes the note as JSON.
func (c Committed) Append(dst []byte) []byte {
	dst = append(dst, `{"head":`...)
	dst = strconv.AppendInt(dst, c.Head, 10)
	dst = append(dst, `,"due":`...)
	dst = strconv.AppendBool(dst, c.Due)
	dst = append(dst, `,"registry":`...)
	dst = strconv.AppendBool(dst, c.Registry)
	return append(dst, '}')
}

// DecodeCommitted reads a note; fields of a later version are passed over.
func DecodeCommitted(body []byte) (Committed, error) {
	var c Committed
	err := json.Unmarshal(body, &c)
	return c, err
}
