package reader

import (
	"context"

	"kapivara/pkg/kapivara"
)

// Store is what is read. What an answer holds is of one moment, no older than the request.
type Store interface {
	Events
	Deliveries
}

// Events reads what was appended.
type Events interface {
	// Event reads an event by its id; not_found.
	Event(ctx context.Context, id kapivara.EventID) (kapivara.Event, error)
	// Stream reads a page of a stream with its state; not_found where no event of it is stored.
	Stream(ctx context.Context, q kapivara.StreamQuery) (kapivara.StreamPage, error)
	// Log reads the log. One call looks at a stretch of bounded length: a page may be empty while the log goes on.
	Log(ctx context.Context, q kapivara.LogQuery) (kapivara.LogPage, error)
	// Streams lists streams; as Log it may give less than there is, and a Next.
	Streams(ctx context.Context, q kapivara.StreamsQuery) (kapivara.StreamsPage, error)
}

// Deliveries reads where streams stand with their subscribers. Each of its questions is not_found for a subscriber that
// is not set.
type Deliveries interface {
	// Deliveries lists deliveries; not_found for a bucket that the subscriber neither has nor had.
	Deliveries(ctx context.Context, q kapivara.DeliveriesQuery) (kapivara.DeliveriesPage, error)
	// Delivery reads one delivery and a page of its events; number 0 is what the bucket committed last. not_found.
	Delivery(ctx context.Context, q kapivara.DeliveryQuery) (kapivara.Delivery, kapivara.EventPage, error)
	// Subscriber counts the deliveries of a subscriber.
	Subscriber(ctx context.Context, name string) (kapivara.SubscriberState, error)
	// Facts gathers what an explanation rests on, for a subscriber or, where the name is "", for all; not_found for a
	// stream of which nothing is stored.
	Facts(ctx context.Context, s kapivara.Stream, subscriber string) (kapivara.StreamFacts, error)
}
