package kapivara

import "time"

// State is where a delivery stands.
type State string

// The states of a delivery (protocol section 5).
const (
	Pending   State = "pending"   // due, or to be sent again at once; nobody has it
	Leased    State = "leased"    // sent, the answer is awaited until its deadline
	Hidden    State = "hidden"    // to be sent again, not before its time
	Parked    State = "parked"    // set aside until an operator retries or discards it
	Committed State = "committed" // acknowledged; never sent again
	Discarded State = "discarded" // given up by an operator, or with its subscriber
)

// Cause says why a delivery is made.
type Cause string

// The causes of a delivery.
const (
	CauseComplete Cause = "complete"
	CauseAppended Cause = "appended"
	CauseReplay   Cause = "replay"
)

// Delivery is what a subscriber receives.
type Delivery struct {
	Subscriber string
	Bucket     Bucket
	Buckets    int // over how many buckets of its kind the rule chose
	Canary     bool
	Number     int64
	Attempt    int
	Cause      Cause
	Stream     Stream
	Version    int
	Finish     int // 0 while unknown
	Complete   bool
	From, To   int
	Events     []Event // nil where the delivery goes by reference
	AckWait    time.Duration
	Deadline   time.Time
	Token      string
	Committed  time.Time // zero unless committed
	Node       string    // to which alone it is sent, "" for the queue group; no part of the message
}

// DeliveryRow is a delivery as a list shows it. Zero values stand for what does not apply.
type DeliveryRow struct {
	Bucket      Bucket
	Number      int64 // 0 until it is first leased
	Stream      Stream
	Cause       Cause
	From, To    int
	State       State
	Attempt     int
	LogPosition int64 // of the event that made it due
	Deadline    time.Time
	Until       time.Time
	Reason      string
	Node        string
	Committed   time.Time
}

// Verdict is what a subscriber answers.
type Verdict string

// The verdicts of protocol section 7.
const (
	Ack      Verdict = "ack"
	Nak      Verdict = "nak"
	Progress Verdict = "progress"
	Term     Verdict = "term"
)

// Answer is a subscriber's answer to an attempt.
type Answer struct {
	Verdict Verdict
	Delay   time.Duration // of a nak; negative where the backoff of the subscriber holds
	Reason  string        // at most 200 bytes
}

// Settled is what a confirmed answer has come to.
type Settled struct {
	State    State     // Committed, Hidden, Leased (extended) or Parked
	Until    time.Time // of Hidden
	Deadline time.Time // of Leased
}
