package natsbus

import (
	"context"
	"time"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// next answers a pull when there is something, or when its wait is over.
func (s *DispatchServer) next(_ context.Context, subscriber string, body []byte, done Done) {
	q, err := wire.DecodeNext(subscriber, body)
	if err != nil {
		done(nil, err)
		return
	}
	s.dispatcher.Next(subscriber, q, func(deliveries []kapivara.Delivery, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(wire.AppendNext(nil, deliveries), nil)
	})
}

// nextPatience is how long a client surely waits for an answer, whatever wait it has asked for.
const nextPatience = 400 * time.Millisecond

// nextRest is what is left of a pull when some of its wait has passed: nothing must be leased for a client that is gone.
func nextRest(body []byte, passed time.Duration) (left []byte, wait time.Duration, over []byte) {
	q, err := wire.DecodeNext("any", body)
	if err != nil {
		return body, 0, nil // it is refused wherever it comes
	}
	if passed > max(q.Wait, nextPatience) {
		return nil, 0, wire.AppendNext(nil, nil)
	}
	q.Wait = max(q.Wait-passed, 0).Truncate(time.Millisecond)
	return wire.EncodeNext(&q), q.Wait, nil
}
