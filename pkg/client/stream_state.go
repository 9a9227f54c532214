package client

import (
	"encoding/json"
	"time"
)

// StreamState is a stream as it stands. Its JSON is the wire's.
type StreamState struct {
	Stream       Stream    `json:"stream"`
	Version      int       `json:"version"`    // the highest stored position, 0 where nothing is stored
	Contiguous   int       `json:"contiguous"` // the largest n with 1..n all stored
	Finish       int       `json:"finish"`     // 0 while unknown
	Complete     bool      `json:"complete"`   // 1..Finish are all stored
	Canary       bool      `json:"canary"`
	Missing      []Range   `json:"missing"`       // the first 100 holes
	LastRecorded time.Time `json:"last_recorded"` // in lists of streams only
}

// MarshalJSON writes null for what is not known.
func (s StreamState) MarshalJSON() ([]byte, error) {
	missing := s.Missing
	if missing == nil {
		missing = []Range{}
	}
	return json.Marshal(struct {
		Stream       Stream    `json:"stream"`
		Version      int       `json:"version"`
		Contiguous   int       `json:"contiguous"`
		Finish       *int      `json:"finish"`
		Complete     bool      `json:"complete"`
		Canary       bool      `json:"canary"`
		Missing      []Range   `json:"missing"`
		LastRecorded time.Time `json:"last_recorded,omitzero"`
	}{s.Stream, s.Version, s.Contiguous, orNil(s.Finish), s.Complete, s.Canary, missing, s.LastRecorded})
}

func orNil(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}
