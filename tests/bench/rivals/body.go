package rivals

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
	"kapivara/tests/bench/load"
)

// What is stored is as in Kapivara's append cell: the same data under the same type, and streams as long.
const (
	eventType    = "order.changed"
	streamLength = 20
	streamPrefix = "bench/load/order/"
	publisher    = "bench"
)

// newEvent gives a new id and the event with it as Kapivara's clients send it, for rivals that store a body.
func newEvent() (id string, body []byte) {
	id = uuid.Must(uuid.NewV7()).String()
	return id, fmt.Appendf(nil, `{"id":"%s","type":"%s","data":%s}`, id, eventType, load.Data())
}

// stream is the one that a worker writes: a new one after every streamLength events.
type stream struct {
	id      string
	version int // how many events it has
	last    uint64
}

// next is the stream for the next event, which it does not count yet.
func (s *stream) next() *stream {
	if s.id == "" || s.version == streamLength {
		*s = stream{id: uuid.NewString()}
	}
	return s
}

// newDelivery is a body as Kapivara sends it for a stream of one event, by the code that writes Kapivara's.
func newDelivery(number int) []byte {
	stream, now := kapivara.Stream(streamPrefix+uuid.NewString()), time.Now()
	token := kapivara.Token{Bucket: int32(number % 16), Number: int64(number), Attempt: 1} //nolint:gosec // small
	d := kapivara.Delivery{
		Subscriber: "billing", Bucket: kapivara.Bucket(token.Bucket), Buckets: 16, Number: token.Number, Attempt: 1, Cause: kapivara.CauseComplete,
		Stream: stream, Version: 1, Finish: 1, Complete: true, From: 1, To: 1, AckWait: 30 * time.Second, Deadline: now.Add(30 * time.Second),
		Token: token.Sign(make([]byte, 32)),
		Events: []kapivara.Event{{
			NewEvent: kapivara.NewEvent{
				ID: kapivara.EventID(uuid.Must(uuid.NewV7()).String()), Type: eventType, Position: 1, Final: true, Kind: kapivara.JSONData, Data: load.Data(),
			},
			Stream: stream, Publisher: publisher, Recorded: now, LogPosition: int64(number),
		}},
	}
	return wire.AppendDelivery(nil, &d)
}
