// Package natsbus is NATS in both directions: the services' endpoints inwards, deliveries and notices outwards. It knows
// how a request travels, never what it means: each endpoint hands it to a function in core types.
package natsbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

// Request is what has come in on an endpoint. The body belongs to the handler.
type Request struct {
	Subject string
	Tokens  []string // the parts of the subject behind kapivara.v1.
	Body    []byte
	Reply   string
	Header  nats.Header
}

// Done answers a request, once, from any goroutine: with the body, or with a refusal. An error that is no
// *kapivara.Error is logged and answered as internal with a trace id. Further calls change nothing.
type Done func(body []byte, err error)

// Endpoint is one subject of a service. Requests of one endpoint are handled side by side.
type Endpoint struct {
	Name    string // letters, digits, - and _
	Subject string // may hold wildcards
	// Metadata is shown by `nats micro info`: the JSON Schemas of request and reply, limits.
	Metadata map[string]string
	// Handle answers the request by done, at once or later. Its context ends when the service has drained.
	Handle func(ctx context.Context, r *Request, done Done)
	// Inline runs Handle where the requests come in, one at a time and in their order. It must then not wait for anything.
	Inline bool
}

// Defaults of a Service.
const (
	DefaultInFlight      = 4096
	DefaultInFlightBytes = 64 << 20
)

// Service is a set of endpoints that can be found by `nats micro`. Instances of the same name share the requests.
type Service struct {
	Name        string
	Version     string // as semver.org has it: 1.2.3
	Description string
	Metadata    map[string]string
	Endpoints   []Endpoint
	// InFlight is how many requests may be in hand; beyond it they are answered busy. Defaults to 4096.
	InFlight int
	// InFlightBytes is how many bytes their bodies may have together. Defaults to 64 MiB.
	InFlightBytes int
	// Workers is how many goroutines handle requests. Defaults to one for each request in hand.
	Workers int
	// QueuedFor is how long a request may wait for one of the workers: it is answered busy when its turn comes later. Defaults
	// to as long as it takes.
	QueuedFor time.Duration
}

// pendingLimit bounds what waits in the client for an endpoint, behind a receiver that only hands on.
const (
	pendingMessages = 64 << 10
	pendingBytes    = 32 << 20
)

// flushTimeout bounds a round trip to the server.
const flushTimeout = 10 * time.Second

// Server is a service at work.
type Server struct {
	nc        *nats.Conn
	log       *slog.Logger
	service   Service
	id        string
	started   time.Time
	busy      busyReply
	ctx       context.Context // of the handlers
	cancel    context.CancelFunc
	endpoints []*endpoint
	control   []*nats.Subscription // of service discovery
	requests  atomic.Int64         // in hand
	bytes     atomic.Int64         // of their bodies
	idle      chan struct{}        // gets a value when requests falls to 0
	work      chan *call           // nil without workers
	workers   sync.WaitGroup
	drain     sync.Once
	drained   error
}

// Serve begins to answer requests. It returns when the server knows all subscriptions.
func Serve(nc *nats.Conn, s Service, log *slog.Logger) (*Server, error) {
	if s.InFlight <= 0 {
		s.InFlight = DefaultInFlight
	}
	if s.InFlightBytes <= 0 {
		s.InFlightBytes = DefaultInFlightBytes
	}
	ctx, cancel := context.WithCancel(context.Background())
	srv := &Server{
		nc: nc, log: log.With("service", s.Name), service: s, id: nuid.Next(), started: time.Now().UTC(), busy: newBusyReply(),
		ctx: ctx, cancel: cancel, idle: make(chan struct{}, 1),
	}
	srv.startWorkers()
	if err := srv.subscribe(); err != nil {
		srv.stop()
		return nil, fmt.Errorf("serve %s: %w", s.Name, err)
	}
	return srv, nil
}

// ID tells this instance apart from others of its name.
func (s *Server) ID() string { return s.id }

func (s *Server) startWorkers() {
	if s.service.Workers <= 0 {
		return
	}
	s.work = make(chan *call, s.service.InFlight)
	for range s.service.Workers {
		s.workers.Go(func() {
			for {
				select {
				case c := <-s.work:
					if most := s.service.QueuedFor; most > 0 && time.Since(c.arrived) > most {
						c.endpoint.stats.busy.Add(1)
						c.turnAway()
						continue
					}
					c.handle()
				case <-s.ctx.Done():
					return
				}
			}
		})
	}
}

func (s *Server) subscribe() error {
	for i := range s.service.Endpoints {
		e, err := s.listen(s.service.Endpoints[i])
		if err != nil {
			return fmt.Errorf("endpoint %s: %w", s.service.Endpoints[i].Name, err)
		}
		s.endpoints = append(s.endpoints, e)
	}
	if err := s.discovery(); err != nil {
		return fmt.Errorf("service discovery: %w", err)
	}
	return s.nc.FlushTimeout(flushTimeout)
}

// Drain takes no more requests, answers all that were accepted, and then ends the service. The error tells what was
// left undone when ctx ended. A second call gives the same result.
func (s *Server) Drain(ctx context.Context) error {
	s.drain.Do(func() { s.drained = s.drainOnce(ctx) })
	return s.drained
}

func (s *Server) drainOnce(ctx context.Context) error {
	defer s.stop()
	for _, e := range s.endpoints {
		if err := e.sub.Drain(); err != nil && !errors.Is(err, nats.ErrBadSubscription) {
			return fmt.Errorf("drain %s: endpoint %s: %w", s.service.Name, e.Name, err)
		}
	}
	for _, e := range s.endpoints {
		select {
		case <-e.closed:
		case <-ctx.Done():
			return fmt.Errorf("drain %s: endpoint %s still has requests: %w", s.service.Name, e.Name, ctx.Err())
		}
	}
	for s.requests.Load() > 0 {
		select {
		case <-s.idle:
		case <-ctx.Done():
			return fmt.Errorf("drain %s: %d requests are unanswered: %w", s.service.Name, s.requests.Load(), ctx.Err())
		}
	}
	flush, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if err := s.nc.FlushWithContext(flush); err != nil {
		return fmt.Errorf("drain %s: flush replies: %w", s.service.Name, err)
	}
	s.cancel()
	s.workers.Wait()
	return nil
}

// stop ends the subscriptions and the handlers' context.
func (s *Server) stop() {
	for _, e := range s.endpoints {
		_ = e.sub.Unsubscribe() // already gone after a drain
	}
	for _, sub := range s.control {
		_ = sub.Unsubscribe()
	}
	s.cancel()
}
