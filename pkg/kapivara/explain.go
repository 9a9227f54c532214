package kapivara

import "time"

// StreamFacts are all that an explanation of a stream rests on, of one moment.
type StreamFacts struct {
	StreamState
	Completed   int64     // the log position of the event that completed it, 0 while it is open
	Types       []string  // the event types stored in it
	Now         time.Time // the database's clock
	Dispatching bool      // a dispatcher is at work
	Subscribers []SubscriberFacts
}

// SubscriberFacts is where a stream stands with one subscriber.
type SubscriberFacts struct {
	Subscriber Subscriber
	Standing   Standing
	// Gathering bounds the log positions of which the streams are still to be put into the outbox: after the first, up
	// to the second. Both are 0 when nothing is left to gather.
	Gathering [2]int64
	// Delivery is the latest delivery of the stream, nil where it is not due.
	Delivery *DeliveryRow
	// Answer is what a node said to the delivery's last attempt: Nak or Term, "" for nothing.
	Answer Verdict
	// Ahead counts what is due before it in its bucket and was never leased either, up to MaxAhead; InFlight what is
	// leased of its bucket. Both are set only for a delivery that was never leased.
	Ahead, InFlight int
}

// MaxAhead is how far Ahead counts.
const MaxAhead = 1000

// Explanation says where a stream stands, and with whom.
type Explanation struct {
	StreamState
	Subscribers []Reason
}

// Reason says where a stream stands with one subscriber, why, and what would move it on.
type Reason struct {
	Subscriber string
	State      State // "" where the stream is not due
	Code       string
	Why        string
	NextStep   string
	Bucket     Bucket
	Number     int64     // 0 until it is first leased
	Attempt    int       // 0 until it is first leased
	Until      time.Time // of leased the deadline, of hidden its end; zero otherwise
	Committed  time.Time
}
