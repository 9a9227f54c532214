package natsbus

import (
	"encoding/json"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/micro"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// stats count what an endpoint has answered, refusals of its own included.
type stats struct {
	requests atomic.Int64 // answered
	errors   atomic.Int64 // answered with a refusal
	took     atomic.Int64 // nanoseconds from arrival to answer, of all answered
	busy     atomic.Int64 // of errors
	refused  atomic.Int64 // not answered: the reply subject was no inbox
	last     atomic.Pointer[kapivara.Error]
}

func (s *stats) count(took time.Duration, failure *kapivara.Error) {
	s.requests.Add(1)
	s.took.Add(int64(took))
	if failure != nil {
		s.errors.Add(1)
		s.last.Store(failure)
	}
}

// EndpointData is what `nats micro stats` shows of an endpoint beyond the figures of every micro service.
type EndpointData struct {
	Busy          int64 `json:"busy"`          // answered busy
	RefusedReply  int64 `json:"refused_reply"` // dropped: the reply subject was no inbox
	Dropped       int   `json:"dropped"`       // dropped unseen: the endpoint did not keep up
	InFlight      int64 `json:"in_flight"`     // of the whole service, now
	InFlightBytes int64 `json:"in_flight_bytes"`
}

// report gives the figures in the form of a micro service.
func (e *endpoint) report() *micro.EndpointStats {
	r := &micro.EndpointStats{
		Name: e.Name, Subject: e.Subject, QueueGroup: e.server.service.Name,
		NumRequests:    int(e.stats.requests.Load()),
		NumErrors:      int(e.stats.errors.Load()),
		ProcessingTime: time.Duration(e.stats.took.Load()),
	}
	if r.NumRequests > 0 {
		r.AverageProcessingTime = r.ProcessingTime / time.Duration(r.NumRequests)
	}
	if last := e.stats.last.Load(); last != nil {
		r.LastError = strconv.Itoa(wire.Status(last.Code)) + ":" + last.Error()
	}
	dropped, _ := e.sub.Dropped()
	r.Data, _ = json.Marshal(EndpointData{ // only numbers
		Busy: e.stats.busy.Load(), RefusedReply: e.stats.refused.Load(), Dropped: dropped,
		InFlight: e.server.requests.Load(), InFlightBytes: e.server.bytes.Load(),
	})
	return r
}
