package kapivara

import (
	"slices"
	"time"
)

// Verb is what an operator does to deliveries (protocol section 7).
type Verb string

// The verbs. What an operator has changed is taken away from whoever has it: the tokens of its attempts are stale.
const (
	Hide    Verb = "hide"    // what is pending, leased or hidden: not before a time
	Park    Verb = "park"    // what is pending, leased or hidden: set aside
	Retry   Verb = "retry"   // what is hidden or parked: pending, for one more attempt at least
	Discard Verb = "discard" // anything that is not committed: given up, for good
)

// Takes tells whether the verb changes what is in the state.
func (v Verb) Takes(s State) bool {
	switch v {
	case Hide, Park:
		return s == Pending || s == Leased || s == Hidden
	case Retry:
		return s == Hidden || s == Parked
	case Discard:
		return s == Pending || s == Leased || s == Hidden || s == Parked
	}
	return false
}

// Once gives those of the streams that wait, in their order, to which the verb is done: of each stream the first, since that
// then holds back the others, but where the verb settles it.
func (v Verb) Once(waiting []Waiting) []Waiting {
	if v == Discard {
		return waiting
	}
	seen := make(map[int64]bool, len(waiting))
	once := make([]Waiting, 0, len(waiting))
	for _, w := range waiting {
		if !seen[w.Stream] {
			once = append(once, w)
		}
		seen[w.Stream] = true
	}
	return once
}

// Numbering names a numbered delivery of a subscriber.
type Numbering struct {
	Bucket Bucket
	Number int64
}

// Operation is an operator's verb with the deliveries that it is for: those numbered, those of a stream, or those in a
// state.
type Operation struct {
	Verb    Verb
	Numbers []Numbering
	Stream  Stream
	State   State
	Bucket  *Bucket   // with State: only of this bucket
	Until   time.Time // of Hide; zero where Delay holds
	Delay   time.Duration
	Reason  string // at most 200 bytes
	DryRun  bool   // count what would be changed
}

// MaxNumbers is how many deliveries one operation may name.
const MaxNumbers = 1000

// Check refuses an operation that names nothing, or more than one kind of thing, or what its verb never changes.
func (o *Operation) Check() error {
	named := 0
	for _, is := range [...]bool{len(o.Numbers) > 0, o.Stream != "", o.State != ""} {
		if is {
			named++
		}
	}
	switch {
	case named != 1:
		return Invalid("", "name the deliveries by exactly one of numbers, stream and state")
	case len(o.Numbers) > MaxNumbers:
		return Oversize("the number of deliveries named", MaxNumbers, len(o.Numbers))
	case o.State != "" && !o.Verb.Takes(o.State):
		return Invalid("state", "%s changes nothing that is %s", o.Verb, clip(string(o.State)))
	case o.Bucket != nil && o.State == "":
		return Invalid("bucket", "a bucket goes with state only")
	}
	return nil
}

// Unnumbered tells whether the operation is also for what is due and has no number yet.
func (o *Operation) Unnumbered() bool {
	return o.Verb.Takes(Pending) && (o.Stream != "" || o.State == Pending)
}

// Operate is what the verb makes of a delivery; changed is false where it leaves it as it is. An operator's time counts
// by the store's clock, which says now.
func (l Lease) Operate(o *Operation, now time.Time) (next Lease, changed bool) {
	if !o.Verb.Takes(l.State) {
		return l, false
	}
	l.Answer, l.Missed, l.Pulled = TakenAway, false, false
	switch o.Verb {
	case Hide:
		l.Reason = operated(o, "hidden")
		return l.hide(o.until(now)), true
	case Park:
		return l.park(operated(o, "parked")), true
	case Retry:
		l.State, l.Until, l.Reason = Pending, now, clipReason(o.Reason)
	case Discard:
		l.State, l.Until, l.Reason = Discarded, time.Time{}, operated(o, "discarded")
	}
	return l, true
}

func (o *Operation) until(now time.Time) time.Time {
	if !o.Until.IsZero() {
		return o.Until
	}
	return now.Add(min(o.Delay, MaxDelay))
}

func operated(o *Operation, what string) string {
	if o.Reason == "" {
		return what + " by an operator"
	}
	return clipReason(o.Reason)
}

// OperateMark is where the next part of an operation begins. The zero value is the beginning.
type OperateMark struct {
	Ref
	Waiting bool  // what is numbered is done; the rest waits, by cause and log position
	Replays bool  // what is due by itself is done as well
	Due     int64 // of the last one
}

// Operated is what a part of an operation has come to.
type Operated struct {
	Count   int
	Changed []Numbered   // as they are now; none of a dry run
	Next    *OperateMark // nil after the last part
}

// Replay asks for one new delivery of each stream that became due in a range of the log, fits, and has nothing unsettled.
type Replay struct {
	After  int64     // the range begins after this log position …
	Since  time.Time // … and holds what was recorded at this time or later, where it is set
	To     int64     // and ends with this one, 0 for the log's head
	Bucket *Bucket   // only what belongs to this bucket
	Stream Stream    // only this stream
	DryRun bool      // count only
}

// Check refuses a range that holds nothing.
func (r *Replay) Check() error {
	switch {
	case r.After < 0:
		return Invalid("after", "after is a log position, 0 or more")
	case r.To != 0 && r.To <= r.After:
		return Invalid("to", "to is a log position above after")
	}
	return nil
}

// ReplayMark is where the next part of a replay begins. The zero value is the beginning.
type ReplayMark struct {
	After int64 // all that became due up to it is done
	To    int64 // the end of the range
}

// Replayed is what a part of a replay has come to.
type Replayed struct {
	Count   int
	Buckets []Bucket    // that have got something
	Next    *ReplayMark // nil after the last part
}

// Bucketed adds a bucket to those that have got something.
func (r *Replayed) Bucketed(b Bucket) {
	if !slices.Contains(r.Buckets, b) {
		r.Buckets = append(r.Buckets, b)
	}
}
