package kapivara

import (
	"errors"
	"time"
)

// Lane names a bucket of a subscriber.
type Lane struct {
	Subscriber int32 // its number
	Bucket     Bucket
}

// BucketRow is the numbering of a bucket as it is stored. It belongs to the subscriber's name.
type BucketRow struct {
	No         int32
	Subscriber string
	Bucket     Bucket
	Sent       int64 // the highest number leased
	Floor      int64 // every number up to it is committed or has left the road of one lease and one commit
	Version    int64 // grows with every change
	Claim      Claim
}

// Claim is who has a bucket. The zero value is that nobody ever has had it.
type Claim struct {
	Owner string // the node, "" for none
	Epoch int64  // grows whenever the bucket goes to another node, or to none
}

// To is the claim after the bucket went to the node, or to none; the same where nothing changes.
func (c Claim) To(node string) Claim {
	if c.Owner == node {
		return c
	}
	return Claim{Owner: node, Epoch: c.Epoch + 1}
}

// ClaimNode is a node that claims buckets of a subscriber, and until when it lives by the store's clock.
type ClaimNode struct {
	Subscriber int32
	Claimant
	Until time.Time
}

// NodeChange writes a node down for TTL from the turn's time, or strikes it out where TTL is 0.
type NodeChange struct {
	Subscriber int32
	Claimant   // without Without
	TTL        time.Duration
}

// Ref names a delivery by the store's number of its bucket.
type Ref struct {
	Bucket int32
	Number int64
}

// Waiting is a stream that is due and not yet leased, with what its delivery says of it.
type Waiting struct {
	Due
	Cause    Cause
	Name     Stream
	Canary   bool
	Version  int
	Finish   int // 0 while unknown
	Complete bool
	// Of an open stream: how far its contiguous part reaches as of the look, and how far its deliveries of earlier growths
	// to the subscriber, 0 before the first.
	Contiguous, Delivered int
}

// Number is the delivery, under its number and before its first attempt, of what waits for the subscriber.
func (s *Subscriber) Number(w Waiting, ref Ref, bucket Bucket) Numbered {
	n := Numbered{Ref: ref, Waiting: w, Buckets: s.Buckets}
	n.From, n.To = w.Stretch()
	if bucket.Canary() {
		n.Buckets = s.CanaryBuckets
	}
	return n
}

// Numbered is a delivery that has its number, and where it stands.
type Numbered struct {
	Ref
	Waiting
	From, To int
	Buckets  int // over how many the rule chose
	Lease    Lease
	Retried  bool // it has left the plain road of one lease and one commit
}

// BucketChange moves a bucket's row on, from the version at which it is known.
type BucketChange struct {
	No        int32
	Version   int64 // the known one; the turn makes it one higher
	Sent      int64
	Floor     int64
	Committed int64 // the number that the turn commits last, 0 for none
	// Claim is who has the bucket from now on, nil where that stays as it is. Its epoch must be higher than the known one.
	Claim *Claim
}

// NewDelivery takes a stream from what is due and gives it its number. That is the lease of its first attempt.
type NewDelivery struct {
	Ref      Ref
	Due      Due
	From, To int
	AckWait  time.Duration
	Buckets  int
	Cause    Cause
	Pulled   bool // it goes to a pull, which takes it from the plain road
}

// NextAttempt leases a hidden or pending delivery again, if its time has come by the store's clock.
type NextAttempt struct {
	Ref
	Attempt int // the new one
	AckWait time.Duration
	Pulled  bool // it goes to a pull
}

// Commit settles a delivery for ever.
type Commit struct {
	Ref
	Attempt int
	Retried bool // it has a row among those that left the plain road; the row goes
}

// Settlement is any other change of a delivery: its state after the turn. Until is now (the turn's time) and After.
type Settlement struct {
	Ref
	Lease Lease
	After time.Duration
}

// PresenceChange is what is newly known of a subscriber's nodes.
type PresenceChange struct {
	Subscriber int32
	Listening  *bool // nil: as it is
	Answered   bool  // somebody has answered
	// SilentSince is when the attempt was sent that nobody answered, zero for none; the earliest since the last answer stays.
	SilentSince time.Time
	Extra       int64 // answers more that changed nothing
}

// Presence is what is known of a subscriber's nodes.
type Presence struct {
	Subscriber int32
	Listening  *bool // nil until something was sent
	LastAnswer time.Time
	Silent     bool // some attempt since the last answer had none
}

// Turn is what a dispatcher writes at once: all of it or nothing.
type Turn struct {
	Hold
	Layouts     []HeldLayout // of the subscribers to whom something is leased for the first time
	Buckets     []BucketChange
	Leases      []NewDelivery
	Again       []NextAttempt
	Commits     []Commit
	Settlements []Settlement
	Presences   []PresenceChange
	Nodes       []NodeChange
	// Drops are growths that wait although deliveries leased earlier hold them.
	Drops []Due
}

// Empty tells whether there is nothing to write.
func (t *Turn) Empty() bool { return len(t.Buckets) == 0 && len(t.Presences) == 0 && len(t.Nodes) == 0 }

// ErrStaleTurn tells that a bucket, or a stream that was due, is no longer as it is known, and is to be read anew. Nothing of
// the turn is stored.
var ErrStaleTurn = errors.New("a bucket has changed")

// LaneQuery asks for what a bucket has beyond that which is known of it.
type LaneQuery struct {
	Lane
	Row    int32 // the store's number of the bucket, 0 where it has none
	After  int64 // streams that became due after this log position, in their order
	Limit  int   // at most so many, 0 for none
	Hidden int   // at most so many hidden and pending deliveries, by their time; 0 for none
	// Grown leaves out what an earlier delivery of its stream to the subscriber holds back, and of the growths of a stream
	// all but the first. It is asked for where the subscriber's mode was "appended" at some time.
	Grown bool
	// Freed are streams, by the store's numbers, of which a delivery may have been settled: what waits of them is read
	// wherever it stands, under the same rule.
	Freed []int64
	// Replays asks for at most so many streams that are to be sent again, 0 for none, behind a log position.
	Replays      int
	ReplaysAfter int64
}

// DueMark is a place among all that is due: by log position, then by subscriber.
type DueMark struct {
	LogPosition int64
	Subscriber  int32
}

// Look is what a look at the work has found.
type Look struct {
	Registry int64     // the registry's version before anything else was read
	Moves    []Move    // of the subscribers whose streams are still being placed, before their lanes were read
	Tail     []Waiting // of all subscribers, by log position
	Lanes    []LaneWork
}

// LaneWork is what a bucket has, in the order of the queries.
type LaneWork struct {
	Due    []Waiting  // by log position
	Freed  []Waiting  // by log position
	Hidden []Numbered // by their time
	// Replays are by log position.
	Replays []Waiting
}

// Roster is for whom the dispatcher works.
type Roster struct {
	Registry    int64 // the registry's version, read before the rest
	Head        int64 // the log's head at that moment
	Subscribers []Subscriber
	Presences   []Presence
}

// Stretch is what the events of a delivery are: these positions of the stream.
type Stretch struct {
	Stream   int64 // the store's number
	Name     Stream
	From, To int
}
