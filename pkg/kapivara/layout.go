package kapivara

// Layout is over how many buckets a subscriber's streams are spread.
type Layout struct {
	Buckets       int
	CanaryBuckets int
	// Relaid counts the changes, so that a layout is not taken for the same one after others have come and gone: meanwhile
	// streams stood in other buckets.
	Relaid int64
}

// Layout is the one in force.
func (s *Subscriber) Layout() Layout {
	return Layout{Buckets: s.Buckets, CanaryBuckets: s.CanaryBuckets, Relaid: s.Relaid}
}

// BucketOf is the bucket of a stream in this layout.
func (l Layout) BucketOf(stream Stream, canary bool) Bucket {
	return BucketOf(stream.Hash(), canary, l.Buckets, l.CanaryBuckets)
}

// Has tells whether streams are placed in the bucket; one that it has not is served until nothing of it is unsettled.
func (l Layout) Has(b Bucket) bool {
	if b.Canary() {
		return int(-1-b) < l.CanaryBuckets
	}
	return int(b) < l.Buckets
}

// Over is the number of buckets among which the rule chose the bucket: what a delivery shows as buckets.
func (l Layout) Over(b Bucket) int {
	if b.Canary() {
		return l.CanaryBuckets
	}
	return l.Buckets
}

// Move is how far a subscriber whose layout was changed is placed by the new one: all that is due up to Placed, and all
// that is due after Until. What stands between is not leased.
type Move struct {
	Subscriber int32
	Placed     int64
	Until      int64
}

// HeldLayout is what a turn that leases holds against the registry: the subscriber has this layout, and all that is due up to Due is
// placed by it.
type HeldLayout struct {
	Subscriber int32
	Layout
	Due int64 // the highest log position of what is leased
}
