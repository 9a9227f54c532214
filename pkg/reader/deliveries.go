package reader

import (
	"context"

	"kapivara/pkg/kapivara"
)

// Bucket lists the deliveries of a bucket.
func (r *Reader) Bucket(ctx context.Context, q kapivara.DeliveriesQuery) (kapivara.DeliveriesPage, error) {
	if q.Bucket == nil {
		return kapivara.DeliveriesPage{}, kapivara.Invalid("bucket", "the bucket is missing: \"0\", \"1\" … or \"canary-0\" …")
	}
	return r.deliveries(ctx, q)
}

func (r *Reader) deliveries(ctx context.Context, q kapivara.DeliveriesQuery) (kapivara.DeliveriesPage, error) {
	if err := q.Check(); err != nil {
		return kapivara.DeliveriesPage{}, err
	}
	return ask(ctx, r, "deliveries", func(ctx context.Context) (kapivara.DeliveriesPage, error) {
		return r.store.Deliveries(ctx, q)
	})
}

// Subscriber counts what a subscriber has in its buckets, and lists its deliveries.
func (r *Reader) Subscriber(ctx context.Context, q kapivara.DeliveriesQuery) (kapivara.SubscriberPage, error) {
	var page kapivara.SubscriberPage
	var err error
	if page.Deliveries, err = r.deliveries(ctx, q); err != nil {
		return page, err
	}
	page.SubscriberState, err = ask(ctx, r, "subscriber", func(ctx context.Context) (kapivara.SubscriberState, error) {
		return r.store.Subscriber(ctx, q.Subscriber)
	})
	return page, err
}

// LastCommitted reads the delivery that a bucket committed last. Its events are nil where they do not fit into a page.
func (r *Reader) LastCommitted(ctx context.Context, subscriber string, b kapivara.Bucket) (kapivara.Delivery, error) {
	q := kapivara.DeliveryQuery{Subscriber: subscriber, Bucket: b, Limit: kapivara.MaxPage, Bytes: r.config.PageBytes}
	type answer struct {
		delivery kapivara.Delivery
		page     kapivara.EventPage
	}
	a, err := ask(ctx, r, "last-committed", func(ctx context.Context) (answer, error) {
		d, page, err := r.store.Delivery(ctx, q)
		return answer{d, page}, err
	})
	if err == nil && !a.page.More {
		a.delivery.Events = a.page.Events
	}
	return a.delivery, err
}

// Delivery reads a page of the events of one delivery.
func (r *Reader) Delivery(ctx context.Context, q kapivara.DeliveryQuery) (kapivara.EventPage, error) {
	if err := q.Check(); err != nil {
		return kapivara.EventPage{}, err
	}
	q.Bytes = r.config.PageBytes
	return ask(ctx, r, "delivery", func(ctx context.Context) (kapivara.EventPage, error) {
		_, page, err := r.store.Delivery(ctx, q)
		return page, err
	})
}
