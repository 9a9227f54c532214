package kapivara

import (
	"errors"
	"fmt"
)

// Code names a refusal. The wire carries it as it stands here; protocol section 4 is its source.
type Code string

// The codes, each with who can do what about it.
const (
	// InvalidRequest: malformed, unknown field, bad name or value. The sender mends the request; a retry changes nothing.
	InvalidRequest Code = "invalid_request"
	// Forbidden: the publisher may not append this event type, or to this stream. An operator changes the registry.
	Forbidden Code = "forbidden"
	// NotFound: no such event, stream, subscriber, bucket or publisher.
	NotFound Code = "not_found"
	// WrongVersion: the expectation does not hold. Read the stream, decide again, send anew.
	WrongVersion Code = "wrong_version"
	// CanaryMismatch: the stream was begun with the other canary flag. Leave canary out.
	CanaryMismatch Code = "canary_mismatch"
	// EventIDReused: the id is stored with another stream, type, position, final or data. Give a new event a new id.
	EventIDReused Code = "event_id_reused"
	// PositionTaken: the position holds another event.
	PositionTaken Code = "position_taken"
	// StreamFinished: a position after the finish position. Nothing can follow; fill what is missing.
	StreamFinished Code = "stream_finished"
	// FinishConflict: a second finish position, or one below a stored position.
	FinishConflict Code = "finish_conflict"
	// StaleToken: an answer with a token that is no longer the delivery's. Drop the work; another attempt has it.
	StaleToken Code = "stale_token"
	// TooLarge: over a limit. Split the request or store the data elsewhere and send a reference.
	TooLarge Code = "too_large"
	// SchemaViolation: data does not fit the registered JSON Schema.
	SchemaViolation Code = "schema_violation"
	// Busy: the service's queue is full. Send the same request again after retry_after.
	Busy Code = "busy"
	// Unavailable: the store is out of reach; certainly nothing stored. Send the same request again.
	Unavailable Code = "unavailable"
	// OutcomeUnknown: the connection was lost during the commit. Send the same request again, with the same ids; the answer tells.
	OutcomeUnknown Code = "outcome_unknown"
	// Internal: anything else; the service's log has it under the same trace.
	Internal Code = "internal"
)

// Error is a refusal with its facts. Message says what was wrong and what to send instead, in one line.
type Error struct {
	Code    Code
	Message string
	Facts   Facts
}

// Facts are the machine-readable parts of a refusal; only those of its code are set (protocol section 4).
type Facts struct {
	Path       string      `json:"path,omitempty"`
	Publisher  string      `json:"publisher,omitempty"`
	Type       string      `json:"type,omitempty"`
	Stream     string      `json:"stream,omitempty"`
	Expected   *Expect     `json:"expected,omitempty"`
	Actual     *int        `json:"actual,omitempty"`
	ID         string      `json:"id,omitempty"`
	Position   *int        `json:"position,omitempty"`
	StoredID   string      `json:"stored_id,omitempty"`
	Finish     *int        `json:"finish,omitempty"`
	Version    *int        `json:"version,omitempty"`
	Missing    []Range     `json:"missing,omitzero"`
	Subscriber string      `json:"subscriber,omitempty"`
	Bucket     string      `json:"bucket,omitempty"`
	Limit      *int        `json:"limit,omitempty"`
	Size       *int        `json:"size,omitempty"`
	RetryAfter string      `json:"retry_after,omitempty"`
	Trace      string      `json:"trace,omitempty"`
	Append     *int        `json:"append,omitempty"`
	Violations []Violation `json:"violations,omitempty"`
}

// Violation is one expectation of an append-many that fails.
type Violation struct {
	Stream   string `json:"stream"`
	Expected Expect `json:"expected"`
	Actual   int    `json:"actual"`
}

// Error gives the code and the message: "wrong_version: …".
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// CodeOf is the code of a refusal, "" for any other error and for nil.
func CodeOf(err error) Code {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// Invalid is an invalid_request at the JSON path of the field ("" for the whole request).
func Invalid(path, format string, args ...any) *Error {
	return &Error{Code: InvalidRequest, Message: fmt.Sprintf(format, args...), Facts: Facts{Path: path}}
}

// Refuse is a refusal without facts.
func Refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Oversize is a too_large: what was measured, its limit and its size in the unit of the limit.
func Oversize(what string, limit, size int) *Error {
	return &Error{
		Code:    TooLarge,
		Message: fmt.Sprintf("%s is %d, the limit is %d", what, size, limit),
		Facts:   Facts{Limit: &limit, Size: &size},
	}
}
