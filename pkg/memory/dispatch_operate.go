package memory

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// operatePage is small, so that tests go through several parts.
const operatePage = 3

// Operate is the dispatcher's port.
func (d *Dispatch) Operate(
	_ context.Context, epoch int64, subscriber string, o *kapivara.Operation, from kapivara.OperateMark,
) (*kapivara.Operated, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.holdSubscriber(epoch, subscriber)
	if err != nil {
		return nil, err
	}
	if from.Waiting {
		return d.operateWaiting(s, o, from), nil
	}
	done := &kapivara.Operated{}
	found := d.chosen(s, o, from)
	if err := d.checkChosen(o, found); err != nil {
		return nil, err
	}
	switch {
	case len(o.Numbers) == 0 && len(found) > operatePage:
		found = found[:operatePage]
		done.Next = &kapivara.OperateMark{Ref: found[operatePage-1].Ref}
	case o.Unnumbered():
		done.Next = &kapivara.OperateMark{Waiting: true, Ref: kapivara.Ref{Bucket: math.MinInt32}}
	}
	for _, n := range found {
		d.operate(n, o, done)
	}
	return done, nil
}

func (d *Dispatch) holdSubscriber(epoch int64, name string) (*kapivara.Subscriber, error) {
	if err := d.hold(epoch); err != nil {
		return nil, err
	}
	for i := range d.subscribers {
		if d.subscribers[i].Name == name {
			return &d.subscribers[i], nil
		}
	}
	return nil, kapivara.Refuse(kapivara.NotFound, "no subscriber has this name; set it in the registry first")
}

// operate does the operation to one delivery.
func (d *Dispatch) operate(n *kapivara.Numbered, o *kapivara.Operation, done *kapivara.Operated) {
	next, changed := n.Lease.Operate(o, d.now())
	if !changed {
		return
	}
	done.Count++
	if o.DryRun {
		return
	}
	n.Lease, n.Retried = next, true
	d.buckets[n.Ref.Bucket-1].Version++
	done.Changed = append(done.Changed, *n) // its Due names the bucket
}

// chosen are the numbered deliveries behind the mark that the operation is for, by bucket and number.
func (d *Dispatch) chosen(s *kapivara.Subscriber, o *kapivara.Operation, from kapivara.OperateMark) (found []*kapivara.Numbered) {
	for _, n := range d.deliveries {
		bucket := d.buckets[n.Ref.Bucket-1].Bucket
		behind := cmp.Or(cmp.Compare(n.Ref.Bucket, from.Ref.Bucket), cmp.Compare(n.Number, from.Number)) > 0
		named := slices.Contains(o.Numbers, kapivara.Numbering{Bucket: bucket, Number: n.Number}) ||
			o.Stream != "" && n.Name == o.Stream && o.Verb.Takes(n.Lease.State) ||
			o.State == n.Lease.State && (o.Bucket == nil || *o.Bucket == bucket)
		if n.Due.Subscriber == s.No && behind && named {
			found = append(found, n)
		}
	}
	slices.SortFunc(found, func(a, b *kapivara.Numbered) int {
		return cmp.Or(cmp.Compare(a.Ref.Bucket, b.Ref.Bucket), cmp.Compare(a.Number, b.Number))
	})
	return found
}

func (d *Dispatch) checkChosen(o *kapivara.Operation, found []*kapivara.Numbered) error {
	switch {
	case len(o.Numbers) > len(found):
		return kapivara.Refuse(kapivara.NotFound, "%d of the %d numbered deliveries are not there; nothing was changed",
			len(o.Numbers)-len(found), len(o.Numbers))
	case o.Stream != "" && !slices.ContainsFunc(d.finished, func(w kapivara.Waiting) bool { return w.Name == o.Stream }):
		return kapivara.Refuse(kapivara.NotFound, "no event of this stream is stored")
	}
	return nil
}

// operateWaiting does a part of what has no number yet: by bucket and log position.
func (d *Dispatch) operateWaiting(s *kapivara.Subscriber, o *kapivara.Operation, from kapivara.OperateMark) *kapivara.Operated {
	done := &kapivara.Operated{}
	cause := kapivara.CauseComplete
	if from.Replays {
		cause = kapivara.CauseReplay
	}
	var found []kapivara.Waiting
	for _, w := range *d.queue(cause) {
		behind := cmp.Or(cmp.Compare(int32(w.Bucket), from.Ref.Bucket), cmp.Compare(w.LogPosition, from.Due)) > 0 //nolint:gosec // small
		if w.Subscriber == s.No && behind && (o.Stream == "" || o.Stream == w.Name) && (o.Bucket == nil || *o.Bucket == w.Bucket) {
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(a, b kapivara.Waiting) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.LogPosition, b.LogPosition))
	})
	switch {
	case len(found) > operatePage:
		found = found[:operatePage]
		next, last := from, found[operatePage-1]
		next.Ref.Bucket, next.Due = int32(last.Bucket), last.LogPosition //nolint:gosec // small
		done.Next = &next
	case !from.Replays:
		done.Next = &kapivara.OperateMark{Waiting: true, Replays: true, Ref: kapivara.Ref{Bucket: math.MinInt32}}
	}
	for _, w := range found {
		if o.DryRun {
			done.Count++
			continue
		}
		n := d.number(s, w, cause)
		d.operate(n, o, done)
	}
	return done
}

// number gives a stream that waits its number, before its first attempt.
func (d *Dispatch) number(s *kapivara.Subscriber, w kapivara.Waiting, cause kapivara.Cause) *kapivara.Numbered {
	queue := d.queue(cause)
	i := waits(*queue, w.Due)
	*queue = slices.Delete(*queue, i, i+1)
	row := d.openBucket(s.Name, w.Bucket)
	row.Sent++
	n := s.Number(w, kapivara.Ref{Bucket: row.No, Number: row.Sent}, w.Bucket, cause == kapivara.CauseReplay)
	n.Lease = kapivara.Lease{State: kapivara.Pending, Sent: d.now()}
	d.deliveries[n.Ref] = &n
	return &n
}

// Replay is the dispatcher's port.
func (d *Dispatch) Replay(
	_ context.Context, epoch int64, subscriber string, r *kapivara.Replay, from kapivara.ReplayMark,
) (*kapivara.Replayed, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.holdSubscriber(epoch, subscriber)
	if err != nil {
		return nil, err
	}
	if from.To == 0 {
		if from = (kapivara.ReplayMark{After: r.After, To: d.head}); r.To > 0 {
			from.To = min(r.To, d.head)
		}
	}
	done := &kapivara.Replayed{}
	looked := 0
	for _, w := range d.finished {
		if w.LogPosition <= from.After || w.LogPosition > from.To {
			continue
		}
		if looked++; looked > operatePage {
			done.Next = &from
			break
		}
		from.After = w.LogPosition
		w = waitingFor(s, w)
		w.Contiguous = w.Finish
		if !d.replayable(s, r, &w) {
			continue
		}
		if done.Count++; !r.DryRun {
			d.replays = append(d.replays, w)
			done.Bucketed(w.Bucket)
		}
	}
	slices.SortFunc(d.replays, byDue)
	return done, nil
}

// replayable tells whether the replay is for the stream: it fits, and has nothing unsettled.
func (d *Dispatch) replayable(s *kapivara.Subscriber, r *kapivara.Replay, w *kapivara.Waiting) bool {
	var recorded time.Time
	for _, e := range d.streams[w.Stream] {
		if e.LogPosition == w.LogPosition {
			recorded = e.Recorded
		}
	}
	switch {
	case !s.Streams.Fits(string(w.Name)), r.Stream != "" && r.Stream != w.Name, r.Bucket != nil && *r.Bucket != w.Bucket,
		recorded.Before(r.Since), waits(d.outbox, w.Due) >= 0, waits(d.replays, w.Due) >= 0:
		return false
	}
	for _, n := range d.deliveries {
		if n.Stream == w.Stream && n.Due.Subscriber == s.No && (n.Lease.Open() || n.Lease.State == kapivara.Parked) {
			return false
		}
	}
	return true
}
