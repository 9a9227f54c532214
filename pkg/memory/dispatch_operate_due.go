package memory

import (
	"cmp"
	"context"
	"math"
	"slices"

	"kapivara/pkg/kapivara"
)

// again is what is to be sent again in a lane.
func (d *Dispatch) again(q kapivara.LaneQuery) (again []kapivara.Waiting) {
	for _, due := range d.replays {
		if due.Subscriber == q.Subscriber && due.Bucket == q.Bucket && due.LogPosition > q.ReplaysAfter && len(again) < q.Replays && !d.held(due) {
			w := d.waiting(due)
			w.Cause = kapivara.CauseReplay
			again = append(again, w)
		}
	}
	return again
}

// operateWaiting does a part of what has no number yet: by bucket and log position. What is held back stays as it is.
func (d *Dispatch) operateWaiting(s *kapivara.Subscriber, o *kapivara.Operation, from kapivara.OperateMark) *kapivara.Operated {
	done := &kapivara.Operated{}
	cause := kapivara.CauseComplete
	if from.Replays {
		cause = kapivara.CauseReplay
	}
	var found []kapivara.Waiting
	for _, w := range *d.queue(cause) {
		behind := cmp.Or(cmp.Compare(int32(w.Bucket), from.Ref.Bucket), cmp.Compare(w.LogPosition, from.Due)) > 0 //nolint:gosec // small
		named := (o.Stream == "" || o.Stream == d.streams[w.Stream-1].Stream) && (o.Bucket == nil || *o.Bucket == w.Bucket)
		if w.Subscriber == s.No && behind && named && d.first(w) && (from.Replays || o.Verb == kapivara.Discard || d.wholeFirst(w)) && !d.held(w) {
			found = append(found, d.waiting(w))
		}
	}
	slices.SortFunc(found, func(a, b kapivara.Waiting) int {
		return cmp.Or(cmp.Compare(a.Due.Bucket, b.Due.Bucket), cmp.Compare(a.LogPosition, b.LogPosition))
	})
	switch {
	case len(found) > operatePage:
		found = found[:operatePage]
		next, last := from, found[operatePage-1]
		next.Ref.Bucket, next.Due = int32(last.Due.Bucket), last.LogPosition //nolint:gosec // small
		done.Next = &next
	case !from.Replays:
		done.Next = &kapivara.OperateMark{Waiting: true, Replays: true, Ref: kapivara.Ref{Bucket: math.MinInt32}}
	}
	for _, w := range o.Verb.Once(found) {
		if o.DryRun {
			done.Count++
			continue
		}
		d.operate(d.number(s, w.Due, from.Replays), o, done)
	}
	return done
}

// number gives a stream that waits its number, before its first attempt.
func (d *Dispatch) number(s *kapivara.Subscriber, due kapivara.Due, replay bool) *kapivara.Numbered {
	w := d.waiting(due)
	if replay {
		w.Cause = kapivara.CauseReplay
	}
	queue := d.queue(w.Cause)
	i := waits(*queue, due)
	*queue = slices.Delete(*queue, i, i+1)
	due.Bucket = s.Layout().BucketOf(w.Name, w.Canary)
	w.Due.Bucket = due.Bucket
	row := d.openBucket(s.Name, due.Bucket)
	row.Sent++
	n := s.Number(w, kapivara.Ref{Bucket: row.No, Number: row.Sent}, due.Bucket)
	d.cover(&kapivara.NewDelivery{Due: due, To: n.To, Cause: n.Cause})
	n.Lease = kapivara.Lease{State: kapivara.Pending, Sent: d.now()}
	d.deliveries[n.Ref] = &n
	return &n
}

// Replay is the dispatcher's port.
func (d *Dispatch) Replay(
	_ context.Context, hold kapivara.Hold, subscriber string, r *kapivara.Replay, from kapivara.ReplayMark,
) (*kapivara.Replayed, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.holdSubscriber(hold, subscriber)
	if err != nil {
		return nil, err
	}
	if from.To == 0 {
		if from = (kapivara.ReplayMark{After: r.After, To: d.head}); r.To > 0 {
			from.To = min(r.To, d.head)
		}
	}
	var became []kapivara.Due
	for _, stream := range d.streams {
		if at := stream.became(s, r.After, from.To); at > from.After {
			became = append(became, kapivara.Due{
				Subscriber: s.No, Stream: stream.No, LogPosition: at,
				Bucket: kapivara.BucketOf(stream.Stream.Hash(), stream.Canary, s.Buckets, s.CanaryBuckets),
			})
		}
	}
	slices.SortFunc(became, func(a, b kapivara.Due) int { return cmp.Compare(a.LogPosition, b.LogPosition) })
	done := &kapivara.Replayed{}
	if len(became) > operatePage {
		became = became[:operatePage]
		done.Next = &kapivara.ReplayMark{After: became[operatePage-1].LogPosition, To: from.To}
	}
	for _, due := range became {
		if !d.replayable(s, r, due) {
			continue
		}
		if done.Count++; !r.DryRun {
			d.replays = append(d.replays, due)
			done.Bucketed(due.Bucket)
		}
	}
	slices.SortFunc(d.replays, func(a, b kapivara.Due) int {
		return cmp.Or(cmp.Compare(a.LogPosition, b.LogPosition), cmp.Compare(a.Subscriber, b.Subscriber))
	})
	return done, nil
}

// became is the last log position of the range at which the stream became due by the subscriber's mode, 0 for none.
func (s *dispatchStream) became(of *kapivara.Subscriber, after, to int64) (last int64) {
	var reached int64
	for p := 1; p <= s.Contiguous; p++ {
		reached = max(reached, s.at[p].LogPosition)
		if (of.Deliver == kapivara.DeliverAppended || p == s.Finish) && reached > after && reached <= to {
			last = reached
		}
	}
	return last
}

// replayable tells whether the replay is for the stream: it fits, and has nothing unsettled.
func (d *Dispatch) replayable(s *kapivara.Subscriber, r *kapivara.Replay, due kapivara.Due) bool {
	stream := d.streams[due.Stream-1]
	for _, e := range stream.at {
		if e.LogPosition == due.LogPosition && e.Recorded.Before(r.Since) {
			return false
		}
	}
	same := func(o kapivara.Due) bool { return o.Stream == due.Stream && o.Subscriber == due.Subscriber }
	var types []string
	for position, e := range stream.at {
		if position <= stream.Contiguous {
			types = append(types, e.Type)
		}
	}
	return s.Wants(stream.Stream, types) && (r.Stream == "" || r.Stream == stream.Stream) &&
		(r.Bucket == nil || *r.Bucket == due.Bucket) && !slices.ContainsFunc(d.outbox, same) && !slices.ContainsFunc(d.replays, same) && !d.held(due)
}
