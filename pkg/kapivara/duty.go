package kapivara

import (
	"cmp"
	"errors"
	"slices"
)

// Duty is the right to work for a subscriber, for all of its buckets. The epoch grows with every dispatcher that takes it.
type Duty struct {
	Subscriber int32 // its number
	Epoch      int64
}

// Hold is what a write of a dispatcher rests on: that this run of it lives, and that it has these duties. They are those
// of every subscriber that the write touches.
type Hold struct {
	Dispatcher int32
	Duties     []Duty
}

// Has tells whether the duty for the subscriber is one of those held.
func (h Hold) Has(subscriber int32) bool {
	return slices.ContainsFunc(h.Duties, func(d Duty) bool { return d.Subscriber == subscriber })
}

// Why nothing was written although the store is well.
var (
	// ErrOffDuty: the run of the dispatcher has ended; its subscribers are others' by now. Of a request: the subscriber is
	// another dispatcher's.
	ErrOffDuty = errors.New("another dispatcher is at work")
	// ErrLostDuty: the run lives, and one of the subscribers is another's.
	ErrLostDuty = errors.New("another dispatcher works for the subscriber")
)

// Load is how many subscribers a dispatcher works for.
type Load struct {
	Dispatcher int32
	Duties     int
}

// Survey is who works for whom at one moment, as one dispatcher needs it.
type Survey struct {
	Subscribers int    // how many there are
	Living      []Load // every dispatcher that lives
	Mine        []Duty
	Free        []int32 // subscribers for whom nobody living works; at most as many as were asked for
}

// Share is how many subscribers the dispatcher is to work for. The shares add up to all subscribers and differ by one at
// most; the larger ones go to whoever has the most, so that as few duties move as can be.
func (s *Survey) Share(dispatcher int32) int {
	if len(s.Living) == 0 {
		return 0
	}
	order := slices.SortedFunc(slices.Values(s.Living), func(a, b Load) int {
		return cmp.Or(cmp.Compare(b.Duties, a.Duties), cmp.Compare(a.Dispatcher, b.Dispatcher))
	})
	at := slices.IndexFunc(order, func(l Load) bool { return l.Dispatcher == dispatcher })
	if at < 0 {
		return 0
	}
	share := s.Subscribers / len(order)
	if at < s.Subscribers%len(order) {
		share++
	}
	return share
}

// Balance is what brings the dispatcher to its share: duties to take of those that are free, or how many of its own it
// is to give up. One that does not live takes and gives nothing.
func (s *Survey) Balance(dispatcher int32) (take []int32, give int) {
	if !slices.ContainsFunc(s.Living, func(l Load) bool { return l.Dispatcher == dispatcher }) {
		return nil, 0
	}
	more := s.Share(dispatcher) - len(s.Mine)
	if more < 0 {
		return nil, -more
	}
	return s.Free[:min(more, len(s.Free))], 0
}
