package client

import "kapivara/pkg/kapivara"

// The words of the core, so that a program that uses the SDK needs no other import.
type (
	// Stream is the whole name of a stream: context/system/type/id.
	Stream = kapivara.Stream
	// EventID makes an append idempotent for ever.
	EventID = kapivara.EventID
	// NewEvent is an event to be stored. NewID gives it an id, JSON its data.
	NewEvent = kapivara.NewEvent
	// Event is a stored event.
	Event = kapivara.Event
	// Append is one request to store events in a stream, all or nothing.
	Append = kapivara.Append
	// AppendResult is the reply to an append.
	AppendResult = kapivara.AppendResult
	// AppendMany is one request to store events in several streams, all or nothing, on conditions.
	AppendMany = kapivara.AppendMany
	// Condition is what must hold of a stream, written or not.
	Condition = kapivara.Condition
	// AppendManyResult is the reply to an append-many: one for each of its appends.
	AppendManyResult = kapivara.AppendManyResult
	// Violation is an expectation of an append-many that fails, in the facts of its wrong_version.
	Violation = kapivara.Violation
	// Placed is the place of one event of an append.
	Placed = kapivara.Placed
	// Expect is what an append expects of its stream; the zero value expects nothing.
	Expect = kapivara.Expect
	// Range is a stretch of positions, both ends included.
	Range = kapivara.Range
	// Filter is a list of which one entry must fit: exact, or a prefix that ends in *.
	Filter = kapivara.Filter
	// Bucket is a place of a subscriber; its String is its name on the wire.
	Bucket = kapivara.Bucket
	// State is where a delivery stands.
	State = kapivara.State
	// Cause says why a delivery is made.
	Cause = kapivara.Cause
	// Answer is a subscriber's answer to an attempt.
	Answer = kapivara.Answer
	// Settled is what a confirmed answer has come to.
	Settled = kapivara.Settled
	// ClaimRequest is a node's wish for buckets of a subscriber.
	ClaimRequest = kapivara.ClaimRequest
	// ReleaseRequest gives buckets back.
	ReleaseRequest = kapivara.ReleaseRequest
	// Claimed is a bucket that a node has.
	Claimed = kapivara.Claimed
	// DeliveryRow is a delivery as a list shows it.
	DeliveryRow = kapivara.DeliveryRow
	// Operation names the deliveries that Hide, Park, Retry and Discard are for, and how; its Verb is the method's.
	Operation = kapivara.Operation
	// Numbering names a numbered delivery of a subscriber.
	Numbering = kapivara.Numbering
	// Replay is a range of the log whose streams are sent once more; its zero value is the whole log.
	Replay = kapivara.Replay
	// Error is a refusal with its code and its facts.
	Error = kapivara.Error
	// Code names a refusal.
	Code = kapivara.Code
)

// The codes of refusals (protocol section 4).
const (
	InvalidRequest  = kapivara.InvalidRequest
	Forbidden       = kapivara.Forbidden
	NotFound        = kapivara.NotFound
	WrongVersion    = kapivara.WrongVersion
	CanaryMismatch  = kapivara.CanaryMismatch
	EventIDReused   = kapivara.EventIDReused
	PositionTaken   = kapivara.PositionTaken
	StreamFinished  = kapivara.StreamFinished
	FinishConflict  = kapivara.FinishConflict
	StaleToken      = kapivara.StaleToken
	TooLarge        = kapivara.TooLarge
	SchemaViolation = kapivara.SchemaViolation
	Busy            = kapivara.Busy
	Unavailable     = kapivara.Unavailable
	OutcomeUnknown  = kapivara.OutcomeUnknown
	Internal        = kapivara.Internal
)

// The kinds of data that an event carries.
const (
	NoData     = kapivara.NoData
	JSONData   = kapivara.JSONData
	BinaryData = kapivara.BinaryData
)

// The states of a delivery.
const (
	Pending   = kapivara.Pending
	Leased    = kapivara.Leased
	Hidden    = kapivara.Hidden
	Parked    = kapivara.Parked
	Committed = kapivara.Committed
	Discarded = kapivara.Discarded
)

// The causes of a delivery.
const (
	CauseComplete = kapivara.CauseComplete
	CauseAppended = kapivara.CauseAppended
	CauseReplay   = kapivara.CauseReplay
)

// The verdicts of an answer.
const (
	Ack      = kapivara.Ack
	Nak      = kapivara.Nak
	Progress = kapivara.Progress
	Term     = kapivara.Term
)

// ExpectNew expects that no event of the stream is stored.
func ExpectNew() Expect { return kapivara.ExpectNew() }

// ExpectExists expects that at least one event of the stream is stored.
func ExpectExists() Expect { return kapivara.ExpectExists() }

// ExpectVersion expects exactly this version; 0 is a stream that has no event.
func ExpectVersion(version int) Expect { return kapivara.ExpectVersion(version) }

// ParseStream checks a stream's name.
func ParseStream(name string) (Stream, error) { return kapivara.ParseStream(name) }

// ParseEventID checks an id and brings a UUID into its lower-case form.
func ParseEventID(id string) (EventID, error) { return kapivara.ParseEventID("id", id) }

// ParseBucket reads a bucket's name: "3", "canary-0".
func ParseBucket(name string) (Bucket, error) { return kapivara.ParseBucket("bucket", name) }

// BucketOf is the bucket of a stream that is no canary, among so many.
func BucketOf(stream Stream, buckets int) Bucket {
	return kapivara.BucketOf(stream.Hash(), false, buckets, 0)
}
