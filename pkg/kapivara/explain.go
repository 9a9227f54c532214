package kapivara

import "time"

// StreamFacts are all that an explanation of a stream rests on, of one moment.
type StreamFacts struct {
	StreamState
	Completed   int64     // the log position of the event that completed it, 0 while it is open
	Types       []string  // the event types stored in it; told only where ByTypes
	TypesAt     []int     // for each of them the first position that has it
	Now         time.Time // the database's clock
	Dispatching bool      // some dispatcher is alive
	Subscribers []SubscriberFacts
}

// ByTypes tells whether the stream's event types are a reason: to learn them each of its events is looked at.
func (f *StreamFacts) ByTypes() bool {
	for i := range f.Subscribers {
		s := &f.Subscribers[i]
		if s.Delivery == nil && !s.Subscriber.Types.All() && s.Subscriber.Streams.Fits(string(f.Stream)) {
			return true
		}
	}
	return false
}

// Reached lists the event types of the contiguous part.
func (f *StreamFacts) Reached() (types []string) {
	for i, at := range f.TypesAt {
		if at <= f.Contiguous {
			types = append(types, f.Types[i])
		}
	}
	return types
}

// SubscriberFacts is where a stream stands with one subscriber.
type SubscriberFacts struct {
	Subscriber Subscriber
	Standing   Standing
	// Dispatching tells that a living dispatcher works for the subscriber.
	Dispatching bool
	// Moving tells that its buckets are others than before, and what was never sent is still being placed by them.
	Moving bool
	// Gathering bounds the log positions of which the streams are still to be put into the outbox: after the first, up
	// to the second. Both are 0 when nothing is left to gather.
	Gathering [2]int64
	// Delivery is what of the stream moves next: what waits for its first lease, else the latest delivery; nil where the
	// stream is not due.
	Delivery *DeliveryRow
	// Answer is what settled the delivery's last attempt: Nak, Term or TakenAway, "" for nothing. Missed tells that its
	// silence counts.
	Answer Verdict
	Missed bool
	// Node has claimed the delivery's bucket, "" for nobody; NodeUntil is the end of its ttl.
	Node      string
	NodeUntil time.Time
	// InFlight counts what is leased of the bucket, and Busy is the lowest number of that.
	InFlight int
	Busy     *DeliveryRow

	// The rest is set only for a delivery that was never leased.

	// Ahead counts what goes before it in its bucket and was never leased either, up to MaxAhead.
	Ahead int
	// Holding is an earlier delivery of the stream that is not settled and holds this one back.
	Holding *DeliveryRow
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
