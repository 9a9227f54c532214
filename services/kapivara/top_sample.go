package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"kapivara/pkg/client"
)

// topSample is how the subscribers stand at a moment.
type topSample struct {
	at          time.Time
	subscribers []client.SubscriberState // by name
}

const topAtOnce = 8 // questions to the reader

// lookTop asks for the named subscribers, or for all.
func lookTop(ctx context.Context, c *client.Client, names []string) (topSample, error) {
	if len(names) == 0 {
		for s, err := range c.Subscribers(ctx) {
			if err != nil {
				return topSample{}, err
			}
			names = append(names, s.Name)
		}
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	states, errs := make([]client.SubscriberState, len(names)), make([]error, len(names))
	var wait sync.WaitGroup
	slots := make(chan struct{}, topAtOnce)
	for i, name := range names {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			states[i], errs[i] = c.SubscriberState(ctx, name, client.SubscriberQuery{State: client.Parked, Limit: 1})
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return topSample{}, err
		}
	}
	return topSample{at: time.Now(), subscribers: states}, nil
}

// topFrame is what a frame shows; as JSON it is a line of --json.
type topFrame struct {
	Time        time.Time       `json:"time"`
	Subscribers []topSubscriber `json:"subscribers"`
}

// topCounts are deliveries. The rates are since the frame before, null in the first one.
type topCounts struct {
	Pending    int64    `json:"pending"`
	Leased     int64    `json:"leased"`
	Hidden     int64    `json:"hidden"`
	Parked     int64    `json:"parked"`
	Committed  int64    `json:"committed"`
	Discarded  int64    `json:"discarded"`
	Lag        int64    `json:"lag"`
	LagSeconds float64  `json:"lag_seconds"`
	DuePerSec  *float64 `json:"due_per_second"`  // become due
	DonePerSec *float64 `json:"done_per_second"` // committed
}

type topSubscriber struct {
	Subscriber    string     `json:"subscriber"`
	Listening     *bool      `json:"listening"`
	NobodyAnswers *time.Time `json:"nobody_answers"`
	Owners        int        `json:"owners"` // nodes that claim buckets
	topCounts
	Buckets []topBucket `json:"buckets"`
}

type topBucket struct {
	Bucket string `json:"bucket"`
	Owner  string `json:"owner"` // "" for nobody
	Epoch  int64  `json:"epoch"`
	topCounts
}

// since is the sample with its rates since another, nil for none.
func (s *topSample) since(before *topSample) topFrame {
	f := topFrame{Time: s.at, Subscribers: make([]topSubscriber, len(s.subscribers))}
	for i := range s.subscribers {
		f.Subscribers[i] = topOf(&s.subscribers[i])
		if before != nil {
			f.Subscribers[i].rate(before, s.at.Sub(before.at))
		}
	}
	return f
}

func topOf(s *client.SubscriberState) topSubscriber {
	t := topSubscriber{Subscriber: s.Subscriber.Name, Listening: s.Listening, Buckets: make([]topBucket, len(s.Buckets))}
	if !s.NobodyAnswers.IsZero() {
		t.NobodyAnswers = &s.NobodyAnswers
	}
	owners := map[string]bool{}
	for i, b := range s.Buckets {
		t.Buckets[i] = topBucket{b.Bucket, b.Owner, b.Epoch, topCounts{
			Pending: b.Pending, Leased: b.Leased, Hidden: b.Hidden, Parked: b.Parked, Committed: b.Committed,
			Discarded: b.Discarded, Lag: b.Lag, LagSeconds: b.LagSeconds,
		}}
		t.add(&t.Buckets[i].topCounts)
		if b.Owner != "" {
			owners[b.Owner] = true
		}
	}
	t.Owners = len(owners)
	return t
}

func (c *topCounts) add(b *topCounts) {
	c.Pending += b.Pending
	c.Leased += b.Leased
	c.Hidden += b.Hidden
	c.Parked += b.Parked
	c.Committed += b.Committed
	c.Discarded += b.Discarded
	c.Lag += b.Lag
	c.LagSeconds = max(c.LagSeconds, b.LagSeconds)
}

// ever is how many deliveries have become due.
func (c *topCounts) ever() int64 { return c.Lag + c.Parked + c.Committed + c.Discarded }

// rate sets the rates of a subscriber and its buckets. One that was not there before, or counts less than before since
// a bucket of an old layout has gone, has none.
func (t *topSubscriber) rate(before *topSample, took time.Duration) {
	i := slices.IndexFunc(before.subscribers, func(s client.SubscriberState) bool { return s.Subscriber.Name == t.Subscriber })
	if i < 0 || took <= 0 {
		return
	}
	was := topOf(&before.subscribers[i])
	t.topCounts.rate(&was.topCounts, took)
	for n := range t.Buckets {
		b := &t.Buckets[n]
		if i := slices.IndexFunc(was.Buckets, func(o topBucket) bool { return o.Bucket == b.Bucket }); i >= 0 {
			b.topCounts.rate(&was.Buckets[i].topCounts, took)
		}
	}
}

func (c *topCounts) rate(was *topCounts, took time.Duration) {
	due, done := c.ever()-was.ever(), c.Committed-was.Committed
	if due < 0 || done < 0 {
		return
	}
	perDue, perDone := float64(due)/took.Seconds(), float64(done)/took.Seconds()
	c.DuePerSec, c.DonePerSec = &perDue, &perDone
}
