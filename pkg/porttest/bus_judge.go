package porttest

import (
	"cmp"
	"fmt"
	"slices"

	"kapivara/pkg/kapivara"
)

// over tells what is still to come.
func (w *busWorld) over() error {
	if n := w.store.Waiting(w.t); n > 0 {
		return fmt.Errorf("%d still wait", n)
	}
	got := w.delivered()
	for _, l := range w.lives {
		for _, d := range got[l.No] {
			if !l.removed && d.Lease.State != kapivara.Committed {
				return fmt.Errorf("%s of %s is %s", d.Name, l.Name, d.Lease.State)
			}
		}
		if missing := l.missing(got[l.No]); !l.removed && missing != "" {
			return fmt.Errorf("%s (%d): %s", l.Name, l.No, missing)
		}
	}
	return nil
}

// delivered are the deliveries by subscriber, each bucket's in their order.
func (w *busWorld) delivered() map[int32][]kapivara.Numbered {
	got := map[int32][]kapivara.Numbered{}
	all := w.store.Deliveries(w.t)
	slices.SortFunc(all, func(a, b kapivara.Numbered) int {
		return cmp.Or(cmp.Compare(a.Ref.Bucket, b.Ref.Bucket), cmp.Compare(a.Number, b.Number))
	})
	numbers := map[int32]int64{}
	for _, d := range all {
		got[d.Due.Subscriber] = append(got[d.Due.Subscriber], d)
		if numbers[d.Ref.Bucket]++; numbers[d.Ref.Bucket] != d.Number {
			w.t.Errorf("bucket %s has number %d at place %d", d.Due.Bucket, d.Number, numbers[d.Ref.Bucket])
		}
	}
	return got
}

// missing tells what was due and has no delivery.
func (l *busLife) missing(got []kapivara.Numbered) string {
	for stream, at := range l.wholes {
		if !slices.ContainsFunc(got, func(d kapivara.Numbered) bool { return d.Name == stream && d.Cause == kapivara.CauseComplete }) {
			return fmt.Sprintf("%s was completed at %d and never came", stream, at)
		}
	}
	for stream, growths := range l.growths {
		reached := 0
		for _, d := range got {
			if d.Name == stream && d.Cause == kapivara.CauseAppended {
				reached = max(reached, d.To)
			}
		}
		for at, grown := range growths {
			if reached < grown {
				return fmt.Sprintf("%s has grown up to %d at %d and came up to %d", stream, grown, at, reached)
			}
		}
	}
	return ""
}

// judge holds what has come against what was due.
func (w *busWorld) judge() {
	got := w.delivered()
	n := 0
	for _, l := range w.lives {
		n += len(got[l.No])
		for _, d := range got[l.No] {
			if err := l.due(&d); err != nil {
				w.t.Errorf("%s (%d): %s %s %d to %d of log position %d: %v", l.Name, l.No, d.Name, d.Cause, d.From, d.To, d.Due.LogPosition, err)
			}
			if l.removed && l.left[d.Ref] != d.Lease.State {
				w.t.Errorf("%s (%d): %s is %s, and was %q when its subscriber was removed", l.Name, l.No, d.Name, d.Lease.State, l.left[d.Ref])
			}
			if s := d.Lease.State; l.removed && s != kapivara.Committed && s != kapivara.Discarded {
				w.t.Errorf("%s (%d): %s is %s after the removal", l.Name, l.No, d.Name, s)
			}
		}
		if fault := l.order(got[l.No]); fault != "" {
			w.t.Errorf("%s (%d): %s", l.Name, l.No, fault)
		}
		delete(got, l.No)
	}
	for no := range got {
		w.t.Errorf("%d deliveries are of a subscriber %d that was never set", len(got[no]), no)
	}
	w.t.Logf("%d deliveries to %d subscribers", n, len(w.lives))
}

// due tells what is wrong with a delivery by itself.
func (l *busLife) due(d *kapivara.Numbered) error {
	at, whole := l.wholes[d.Name]
	grown, grew := l.growths[d.Name][d.Due.LogPosition]
	switch {
	case d.Cause == kapivara.CauseReplay && (d.From != 1 || d.To < 1):
		return fmt.Errorf("it is no whole stream")
	case d.Cause == kapivara.CauseComplete && (!whole || at != d.Due.LogPosition):
		return fmt.Errorf("due as a whole: %v, at %d", whole, at)
	case d.Cause == kapivara.CauseComplete && (d.From != 1 || d.To != d.Finish):
		return fmt.Errorf("it finishes at %d", d.Finish)
	case d.Cause == kapivara.CauseAppended && (!grew || grown > d.To):
		return fmt.Errorf("due by growths at %v", l.growths[d.Name])
	}
	bucket := kapivara.Bucket(kapivara.JumpHash(d.Name.Hash(), d.Buckets))
	if d.Due.Bucket.Canary() {
		bucket = -1 - bucket
	}
	if bucket != d.Due.Bucket || bucket.Canary() && !d.Canary {
		return fmt.Errorf("it is in bucket %s, and belongs into %s", d.Due.Bucket, bucket)
	}
	return nil
}

// order tells what is wrong with the deliveries together: each whole stream once, growths one behind the other, and the
// lowest log position of a bucket first while nothing but whole streams was due.
func (l *busLife) order(got []kapivara.Numbered) string {
	grown := slices.ContainsFunc(l.settings, func(s kapivara.Subscriber) bool { return s.Deliver == kapivara.DeliverAppended })
	wholes := map[kapivara.Stream]bool{}
	stretches := map[kapivara.Stream][]kapivara.Numbered{}
	last := map[kapivara.Ref]int64{} // of a bucket, over so many buckets
	for _, d := range got {
		switch d.Cause {
		case kapivara.CauseComplete:
			if wholes[d.Name] {
				return fmt.Sprintf("%s came whole twice", d.Name)
			}
			wholes[d.Name] = true
			at := kapivara.Ref{Bucket: d.Ref.Bucket, Number: int64(d.Buckets)}
			if !grown && d.Due.LogPosition < last[at] {
				return fmt.Sprintf("%s, due at %d, has a number behind one due at %d", d.Name, d.Due.LogPosition, last[at])
			}
			last[at] = d.Due.LogPosition
		case kapivara.CauseAppended:
			stretches[d.Name] = append(stretches[d.Name], d)
		case kapivara.CauseReplay: // comes beside what was due
		}
	}
	for stream, all := range stretches {
		slices.SortFunc(all, func(a, b kapivara.Numbered) int { return cmp.Compare(a.From, b.From) })
		reached := 0
		for _, d := range all {
			if d.From != reached+1 || d.To < d.From {
				return fmt.Sprintf("%s: a growth goes from %d to %d, the one before up to %d", stream, d.From, d.To, reached)
			}
			reached = d.To
		}
	}
	return ""
}
