package natsbus

import (
	"context"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// EventReader answers reads of what was appended.
type EventReader interface {
	// Event reads an event of the context, "" for any.
	Event(ctx context.Context, readable string, id kapivara.EventID) (kapivara.Event, error)
	Stream(ctx context.Context, q kapivara.StreamQuery) (kapivara.StreamPage, error)
	// Log may answer after it has returned, from any goroutine: a follower that waits holds none.
	Log(ctx context.Context, q kapivara.LogQuery, wait time.Duration, answer func(kapivara.LogPage, error))
	Streams(ctx context.Context, q kapivara.StreamsQuery) (kapivara.StreamsPage, error)
	Explain(ctx context.Context, stream kapivara.Stream, subscriber string) (kapivara.Explanation, error)
}

// DeliveryReader answers reads of where streams stand with a subscriber.
type DeliveryReader interface {
	Bucket(ctx context.Context, q kapivara.DeliveriesQuery) (kapivara.DeliveriesPage, error)
	LastCommitted(ctx context.Context, subscriber string, bucket kapivara.Bucket) (kapivara.Delivery, error)
	Delivery(ctx context.Context, q kapivara.DeliveryQuery) (kapivara.EventPage, error)
	Subscriber(ctx context.Context, q kapivara.DeliveriesQuery) (kapivara.SubscriberPage, error)
}

// ReadEndpoints are the endpoints of protocol section 5.
func ReadEndpoints(events EventReader, deliveries DeliveryReader) []Endpoint {
	e, d := eventReads{events}, deliveryReads{deliveries}
	return []Endpoint{
		readEndpoint("event", Sync(e.event)),
		readEndpoint("stream", Sync(e.stream)),
		readEndpoint("log", e.log),
		readEndpoint("streams", Sync(e.streams)),
		readEndpoint("explain", Sync(e.explain)),
		readEndpoint("bucket", Sync(d.bucket)),
		readEndpoint("last-committed", Sync(d.lastCommitted)),
		readEndpoint("delivery", Sync(d.delivery)),
		readEndpoint("subscriber", Sync(d.subscriber)),
	}
}

func readEndpoint(verb string, handle func(context.Context, *Request, Done)) Endpoint {
	return Endpoint{
		Name: "read-" + verb, Subject: wire.Read(verb, "*"), Handle: handle,
		Metadata: map[string]string{
			"request": "read-" + verb + ".request.json", "reply": "read-" + verb + ".reply.json",
		},
	}
}

type eventReads struct{ reader EventReader }

func (e eventReads) event(ctx context.Context, r *Request) ([]byte, error) {
	readable, id, err := wire.DecodeReadEvent(last(r), r.Body)
	if err != nil {
		return nil, err
	}
	event, err := e.reader.Event(ctx, readable, id)
	if err != nil {
		return nil, err
	}
	return wire.AppendEvent(nil, &event), nil
}

func (e eventReads) stream(ctx context.Context, r *Request) ([]byte, error) {
	q, err := wire.DecodeReadStream(last(r), r.Body)
	if err != nil {
		return nil, err
	}
	page, err := e.reader.Stream(ctx, q)
	if err != nil {
		return nil, err
	}
	return wire.AppendStreamPage(nil, &page, wire.MaxReply), nil
}

func (e eventReads) log(ctx context.Context, r *Request, done Done) {
	q, wait, err := wire.DecodeReadLog(last(r), r.Body)
	if err != nil {
		done(nil, err)
		return
	}
	e.reader.Log(ctx, q, wait, func(page kapivara.LogPage, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(wire.AppendLogPage(nil, &page, wire.MaxReply), nil)
	})
}

func (e eventReads) streams(ctx context.Context, r *Request) ([]byte, error) {
	q, err := wire.DecodeReadStreams(last(r), r.Body)
	if err != nil {
		return nil, err
	}
	page, err := e.reader.Streams(ctx, q)
	if err != nil {
		return nil, err
	}
	return wire.AppendStreamsPage(nil, &page, wire.MaxReply), nil
}

func (e eventReads) explain(ctx context.Context, r *Request) ([]byte, error) {
	stream, subscriber, err := wire.DecodeReadExplain(last(r), r.Body)
	if err != nil {
		return nil, err
	}
	explanation, err := e.reader.Explain(ctx, stream, subscriber)
	if err != nil {
		return nil, err
	}
	return wire.AppendExplanation(nil, &explanation, wire.MaxReply)
}

type deliveryReads struct{ reader DeliveryReader }

func (d deliveryReads) bucket(ctx context.Context, r *Request) ([]byte, error) {
	q, err := wire.DecodeReadBucket(last(r), r.Body)
	if err != nil {
		return nil, err
	}
	page, err := d.reader.Bucket(ctx, q)
	if err != nil {
		return nil, err
	}
	return wire.AppendDeliveriesPage(nil, &page, wire.MaxReply), nil
}

func (d deliveryReads) lastCommitted(ctx context.Context, r *Request) ([]byte, error) {
	bucket, err := wire.DecodeReadLastCommitted(last(r), r.Body)
	if err != nil {
		return nil, err
	}
	delivery, err := d.reader.LastCommitted(ctx, last(r), bucket)
	if err != nil {
		return nil, err
	}
	return wire.AppendDelivery(nil, &delivery), nil
}

func (d deliveryReads) delivery(ctx context.Context, r *Request) ([]byte, error) {
	q, err := wire.DecodeReadDelivery(last(r), r.Body)
	if err != nil {
		return nil, err
	}
	page, err := d.reader.Delivery(ctx, q)
	if err != nil {
		return nil, err
	}
	return wire.AppendEventPage(nil, &page, wire.MaxReply), nil
}

func (d deliveryReads) subscriber(ctx context.Context, r *Request) ([]byte, error) {
	q, err := wire.DecodeReadSubscriber(last(r), r.Body)
	if err != nil {
		return nil, err
	}
	page, err := d.reader.Subscriber(ctx, q)
	if err != nil {
		return nil, err
	}
	return wire.AppendSubscriberPage(nil, &page, wire.MaxReply), nil
}
