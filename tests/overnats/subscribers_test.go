package overnats_test

import (
	"context"
	"encoding/json"
	"time"

	"kapivara/pkg/client"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

type remoteSubscribers struct{ remoteRegistry }

// core is a subscriber in core types, with what the wire leaves out.
func (r remoteSubscribers) core(ctx context.Context, s client.Subscriber, err error) (*kapivara.Subscriber, error) {
	if err != nil {
		return nil, err
	}
	c, err := coreSubscriber(&s)
	if err != nil {
		return nil, err
	}
	registry, err := r.store.Registry(ctx)
	if err != nil {
		return nil, err
	}
	for _, stored := range registry.Subscribers {
		if stored.Name == c.Name {
			c.No, c.Behind = stored.No, stored.Behind
		}
	}
	return c, nil
}

func coreSubscriber(s *client.Subscriber) (*kapivara.Subscriber, error) {
	c := &kapivara.Subscriber{
		Name: s.Name, Description: s.Description, System: s.System, Types: s.Types, Streams: s.Streams,
		Buckets: s.Buckets, CanaryBuckets: s.CanaryBuckets, Deliver: kapivara.Mode(s.Deliver),
		MaxAttempts: s.MaxAttempts, MaxInFlight: s.MaxInFlight, Created: s.Created, LogPosition: s.LogPosition,
	}
	var err error
	if c.AckWait, err = kapivara.ParseDuration("ack_wait", s.AckWait); err != nil {
		return nil, err
	}
	for _, text := range s.Backoff {
		d, err := kapivara.ParseDuration("backoff", text)
		if err != nil {
			return nil, err
		}
		c.Backoff = append(c.Backoff, d)
	}
	switch string(s.Start) {
	case `"new"`:
		c.Start.New = true
	case `"beginning"`:
	default:
		err = json.Unmarshal(s.Start, &c.Start.After)
	}
	return c, err
}

func (r remoteSubscribers) Set(ctx context.Context, name string, patch kapivara.SubscriberPatch) (*kapivara.Subscriber, error) {
	p := client.SubscriberPatch{
		Description: patch.Description, System: patch.System, Types: patch.Types, Streams: patch.Streams,
		Buckets: patch.Buckets, CanaryBuckets: patch.CanaryBuckets, Deliver: (*string)(patch.Deliver),
		MaxAttempts: patch.MaxAttempts, MaxInFlight: patch.MaxInFlight,
	}
	if patch.AckWait != nil {
		text := kapivara.FormatDuration(*patch.AckWait)
		p.AckWait = &text
	}
	if patch.Backoff != nil {
		texts := each(*patch.Backoff, func(d *time.Duration) string { return kapivara.FormatDuration(*d) })
		p.Backoff = &texts
	}
	switch start := patch.Start; {
	case start == nil:
	case start.New:
		p.Start = "new"
	case start.After == 0:
		p.Start = "beginning"
	default:
		p.Start = start.After
	}
	s, err := r.start().SetSubscriber(ctx, name, p)
	return r.core(ctx, s, err)
}

func (r remoteSubscribers) Get(ctx context.Context, name string) (*kapivara.Subscriber, error) {
	s, err := r.start().Subscriber(ctx, name)
	return r.core(ctx, s, err)
}

func (r remoteSubscribers) Remove(ctx context.Context, name string) (int64, error) {
	return removed(r.start().RemoveSubscriber(ctx, name))
}

func (r remoteSubscribers) List(ctx context.Context, after string, limit int) ([]*kapivara.Subscriber, bool, error) {
	page, more, err := list(ctx, r.start(), wire.KindSubscriber, after, limit, func(s client.Subscriber) string { return s.Name })
	if err != nil {
		return nil, false, err
	}
	records := make([]*kapivara.Subscriber, len(page))
	for i := range page {
		if records[i], err = coreSubscriber(&page[i]); err != nil {
			return nil, false, err
		}
	}
	return records, more, nil
}
