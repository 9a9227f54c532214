package memory

import (
	"context"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// OpenBuckets is the dispatcher's port.
func (d *Dispatch) OpenBuckets(_ context.Context, hold kapivara.Hold, buckets []kapivara.BucketRow) ([]kapivara.BucketRow, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.hold(hold); err != nil {
		return nil, err
	}
	opened := make([]kapivara.BucketRow, len(buckets))
	for i, b := range buckets {
		opened[i] = *d.openBucket(b.Subscriber, b.Bucket)
	}
	return opened, nil
}

// openBucket gives the row of a bucket, a new one where it has none.
func (d *Dispatch) openBucket(subscriber string, bucket kapivara.Bucket) *kapivara.BucketRow {
	at := slices.IndexFunc(d.buckets, func(o *kapivara.BucketRow) bool { return o.Subscriber == subscriber && o.Bucket == bucket })
	if at < 0 {
		at = len(d.buckets)
		d.buckets = append(d.buckets, &kapivara.BucketRow{No: int32(at + 1), Subscriber: subscriber, Bucket: bucket}) //nolint:gosec // few
	}
	return d.buckets[at]
}

// Turn is the dispatcher's port.
func (d *Dispatch) Turn(_ context.Context, t *kapivara.Turn) (time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.hold(t.Hold); err != nil {
		return time.Time{}, err
	}
	now := d.now()
	if !d.fits(t, now) {
		return time.Time{}, kapivara.ErrStaleTurn
	}
	for _, b := range t.Buckets {
		row := d.buckets[b.No-1]
		row.Version, row.Sent, row.Floor = b.Version+1, b.Sent, b.Floor
		if b.Claim != nil {
			row.Claim = *b.Claim
		}
	}
	for _, l := range t.Leases {
		d.lease(l, now)
	}
	d.drop(t.Drops)
	for _, a := range t.Again {
		n := d.deliveries[a.Ref]
		n.Lease = n.Lease.Begin(now, kapivara.Policy{AckWait: a.AckWait})
		n.Lease.Pulled, n.Retried = a.Pulled, true
	}
	for _, c := range t.Commits {
		n := d.deliveries[c.Ref]
		n.Lease, n.Retried = kapivara.Lease{State: kapivara.Committed, Attempt: c.Attempt}, false
	}
	for _, s := range t.Settlements {
		n := d.deliveries[s.Ref]
		n.Lease, n.Retried = s.Lease, true
		if !s.Lease.Until.IsZero() {
			n.Lease.Until = now.Add(s.After)
		}
	}
	for _, p := range t.Presences {
		d.note(p, now)
	}
	d.keepNodes(t.Nodes, now)
	return now, nil
}

func (d *Dispatch) lease(l kapivara.NewDelivery, now time.Time) {
	queue := d.queue(l.Cause)
	i := waits(*queue, l.Due)
	w := d.waiting((*queue)[i])
	w.Cause = l.Cause
	*queue = slices.Delete(*queue, i, i+1)
	d.cover(&l)
	d.deliveries[l.Ref] = &kapivara.Numbered{
		Ref: l.Ref, Waiting: w, From: l.From, To: l.To, Buckets: l.Buckets,
		Lease:   kapivara.Lease{State: kapivara.Leased, Attempt: 1, Sent: now, Until: now.Add(l.AckWait), Pulled: l.Pulled},
		Retried: l.Pulled,
	}
}

// fits tells whether everything is as the turn has it.
func (d *Dispatch) fits(t *kapivara.Turn, now time.Time) bool {
	if !d.laid(t.Layouts) {
		return false
	}
	for _, b := range t.Buckets {
		row := d.buckets[b.No-1]
		if row.Version != b.Version || b.Claim != nil && b.Claim.Epoch <= row.Claim.Epoch {
			return false
		}
	}
	for _, l := range t.Leases {
		if waits(*d.queue(l.Cause), l.Due) < 0 || d.deliveries[l.Ref] != nil || d.grownFrom(&l) {
			return false
		}
	}
	for _, a := range t.Again {
		n := d.deliveries[a.Ref]
		due := n != nil && (n.Lease.State == kapivara.Pending || n.Lease.State == kapivara.Hidden && !n.Lease.Until.After(now))
		if !due || n.Lease.Attempt != a.Attempt-1 {
			return false
		}
	}
	for _, c := range t.Commits {
		if n := d.deliveries[c.Ref]; n == nil || n.Lease.State == kapivara.Committed {
			return false
		}
	}
	for _, s := range t.Settlements {
		if n := d.deliveries[s.Ref]; n == nil || n.Lease.State == kapivara.Committed {
			return false
		}
	}
	return true
}

// queue is where what is leased for the cause waits.
func (d *Dispatch) queue(cause kapivara.Cause) *[]kapivara.Due {
	if cause == kapivara.CauseReplay {
		return &d.replays
	}
	return &d.outbox
}

func waits(queue []kapivara.Due, due kapivara.Due) int {
	return slices.IndexFunc(queue, func(w kapivara.Due) bool {
		return w.LogPosition == due.LogPosition && w.Subscriber == due.Subscriber
	})
}

func (d *Dispatch) note(c kapivara.PresenceChange, now time.Time) {
	p := d.presences[c.Subscriber]
	p.Subscriber = c.Subscriber
	if c.Listening != nil {
		p.Listening = c.Listening
	}
	if c.Answered {
		p.LastAnswer, p.Silent = now, false
	} else {
		p.Silent = p.Silent || !c.SilentSince.IsZero()
	}
	d.presences[c.Subscriber] = p
	d.extra[c.Subscriber] += c.Extra
}
