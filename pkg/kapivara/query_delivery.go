package kapivara

import "time"

// DeliveryQuery asks for the events of one delivery.
type DeliveryQuery struct {
	Subscriber string
	Bucket     Bucket
	Number     int64
	From       int // the first position wanted, 0 for the delivery's first
	After      int // the last position of the page before, 0 for the first page
	Limit      int
	Bytes      int // as in StreamQuery
}

// Check refuses what is out of bounds.
func (q *DeliveryQuery) Check() error {
	switch {
	case q.Number < 1:
		return Invalid("number", "number is a delivery's number, 1 or more")
	case q.From < 0 || q.From > MaxPosition:
		return Invalid("from", "from is a position, 1 to %d", MaxPosition)
	}
	return checkLimit(q.Limit, MaxPage)
}

// DeliveryMark is where a list of deliveries goes on: behind the numbered delivery, or behind the one without a number
// that is due by a log position. The zero value is the beginning.
type DeliveryMark struct {
	Bucket      Bucket
	Number      int64 // 0 where LogPosition is set
	LogPosition int64
	Replay      bool // it is a replay that has no number
}

// Mark is where a list goes on behind the row.
func (r *DeliveryRow) Mark() DeliveryMark {
	if r.Number > 0 {
		return DeliveryMark{Bucket: r.Bucket, Number: r.Number}
	}
	return DeliveryMark{Bucket: r.Bucket, LogPosition: r.LogPosition, Replay: r.Cause == CauseReplay}
}

// DeliveriesQuery asks for deliveries of a subscriber: the numbered ones by bucket and number, then those that were
// never leased, by bucket and log position, live ones before replays.
type DeliveriesQuery struct {
	Subscriber string
	Bucket     *Bucket // nil = all buckets
	State      State   // "" = all states
	After      DeliveryMark
	Limit      int
}

// Check refuses what is out of bounds.
func (q *DeliveriesQuery) Check() error {
	switch q.State {
	case "", Pending, Leased, Hidden, Parked, Committed, Discarded:
		return checkLimit(q.Limit, MaxPage)
	default:
		return Invalid("state", "state is pending, leased, hidden, parked, committed or discarded, not %q", clip(string(q.State)))
	}
}

// DeliveriesPage is a list of deliveries. More tells that others follow the last one.
type DeliveriesPage struct {
	Rows []DeliveryRow
	More bool
}

// Order is the place of a bucket in lists: 0, 1, 2 …, then canary-0, canary-1 ….
func (b Bucket) Order() int {
	if b < 0 {
		return MaxBuckets - 1 - int(b)
	}
	return int(b)
}

// Standing is what is known of a subscriber's nodes.
type Standing struct {
	Listening    *bool     // whether the last sending met a subscriber; nil until something was sent
	LastAnswer   time.Time // zero until there was one
	SilentSince  time.Time // the first attempt since the last answer that nobody answered; zero when there is none
	ExtraAnswers int64     // answers to attempts that were settled already
}

// BucketState counts the deliveries of a bucket.
type BucketState struct {
	Bucket     Bucket
	Pending    int64
	Leased     int64
	Hidden     int64
	Parked     int64
	Committed  int64
	Discarded  int64
	Oldest     time.Duration // how long ago the oldest delivery that is pending, leased or hidden became due
	Owner      string        // the node that claims it, "" for none
	Epoch      int64         // of the claim
	LastNumber int64         // the highest number leased, 0 before the first
}

// Lag counts what is due and still to be settled by the subscriber; what is parked waits for an operator instead.
func (b *BucketState) Lag() int64 { return b.Pending + b.Leased + b.Hidden }

// SubscriberState is a subscriber, its nodes and its buckets: those it has now and older ones with anything unsettled.
type SubscriberState struct {
	Subscriber Subscriber
	Standing   Standing
	Buckets    []BucketState // in the order of Bucket.Order
}

// SubscriberPage is a subscriber's state with a page of its deliveries.
type SubscriberPage struct {
	SubscriberState
	Deliveries DeliveriesPage
}

// ListBuckets puts the buckets that the subscriber has, counted or not, into their order, with those of its earlier
// layouts that still have something unsettled.
func ListBuckets(s *Subscriber, counted map[Bucket]BucketState) []BucketState {
	list := make([]BucketState, 0, s.Buckets+s.CanaryBuckets)
	for b := range MaxBuckets {
		list = listBucket(list, Bucket(b), b < s.Buckets, counted)
	}
	for b := range MaxBuckets {
		list = listBucket(list, Bucket(-1-b), b < s.CanaryBuckets, counted)
	}
	return list
}

func listBucket(list []BucketState, b Bucket, has bool, counted map[Bucket]BucketState) []BucketState {
	state, found := counted[b]
	if !has && (!found || state.Lag()+state.Parked == 0) {
		return list
	}
	state.Bucket = b
	return append(list, state)
}
