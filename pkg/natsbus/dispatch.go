package natsbus

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Dispatcher settles what subscribers answer, while it is the one at work.
type Dispatcher interface {
	// OnDuty sets what is called when the duty begins and when it has ended. What is called at the end may wait for what
	// was taken in to be answered.
	OnDuty(f func(on bool))
	// Settle takes an answer in; done may be nil, and is otherwise called once. It does not wait.
	Settle(subscriber, token string, a kapivara.Answer, done func(kapivara.Settled, error))
	// Claim takes a claim in, and Release gives buckets back; done is called once, with what the node then has. Neither waits.
	Claim(subscriber string, r kapivara.ClaimRequest, done func([]kapivara.Claimed, error))
	Release(subscriber string, r kapivara.ReleaseRequest, done func([]kapivara.Claimed, error))
	// NoResponders takes in that a sending met nobody.
	NoResponders(token string)
	// Poke takes in that something was committed.
	Poke(due, registry bool)
}

// DispatchSender sends deliveries and shows them to onlookers.
type DispatchSender struct {
	sender *Sender
	watch  *Watch
}

// NewDispatchSender sends on the connection on which the dispatcher is served, and shows by watch.
func NewDispatchSender(nc *nats.Conn, watch *Watch) *DispatchSender {
	return &DispatchSender{sender: NewSender(nc), watch: watch}
}

// Send publishes the delivery on its bucket's subject, or on that of its node where it has one.
func (s *DispatchSender) Send(d *kapivara.Delivery) error { return s.sender.SendDelivery(d, d.Node) }

// Notify shows where a delivery of the subscriber stands.
func (s *DispatchSender) Notify(subscriber string, row *kapivara.DeliveryRow) {
	s.watch.Delivery(subscriber, *row)
}

// DispatchServer is the service kapivara-dispatcher of one instance. It listens only while its dispatcher is at work:
// what another one has sent is answered there.
type DispatchServer struct {
	nc         *nats.Conn
	dispatcher Dispatcher
	service    Service
	log        *slog.Logger

	mu     sync.Mutex // of what follows; one call of duty at a time
	subs   []*nats.Subscription
	closed []chan struct{}
	cancel context.CancelFunc
	served chan *Server // gives the service once it answers, nil where it never came to that
}

// ServeDispatcher makes the dispatcher be served while it is at work. Call it before the dispatcher starts; stop the
// dispatcher to end it. Only Version, InFlight and InFlightBytes of the service are looked at.
func ServeDispatcher(nc *nats.Conn, d Dispatcher, service Service, log *slog.Logger) *DispatchServer {
	s := &DispatchServer{nc: nc, dispatcher: d, service: service, log: log}
	s.service.Name, s.service.Description = "kapivara-dispatcher", "Sends finished streams to their subscribers and settles the answers"
	s.service.Endpoints = s.endpoints()
	d.OnDuty(s.duty)
	return s
}

func (s *DispatchServer) duty(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on {
		s.begin()
	} else {
		s.end()
	}
}

// begin listens on the dispatcher's own connection: what it publishes later cannot be answered earlier.
func (s *DispatchServer) begin() {
	answers, err := ListenSettle(s.nc, s.log, s.settled)
	s.keep(answers, err)
	pokes, err := ListenCommitted(s.nc, func(c wire.Committed) { s.dispatcher.Poke(c.Due, c.Registry) })
	s.keep(pokes, err)
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.served = cancel, make(chan *Server, 1)
	go func(served chan<- *Server) { served <- s.serve(ctx) }(s.served)
}

func (s *DispatchServer) keep(sub *nats.Subscription, err error) {
	if err != nil {
		s.log.Error("the dispatcher cannot listen", "error", err)
		return
	}
	closed := make(chan struct{})
	sub.SetClosedHandler(func(string) { close(closed) })
	s.subs, s.closed = append(s.subs, sub), append(s.closed, closed)
}

// serve begins to answer requests, as soon as the server is there.
func (s *DispatchServer) serve(ctx context.Context) *Server {
	for ctx.Err() == nil {
		server, err := Serve(s.nc, s.service, s.log)
		if err == nil {
			return server
		}
		s.log.Warn("the dispatcher's requests are not served yet", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return nil
}

const dispatchDrain = 5 * time.Second

// end listens no more, once all that has come in is with the dispatcher and all requests are answered.
func (s *DispatchServer) end() {
	ctx, cancel := context.WithTimeout(context.Background(), dispatchDrain)
	defer cancel()
	s.cancel()
	for i, sub := range s.subs {
		if err := sub.Drain(); err != nil {
			_ = sub.Unsubscribe() // the connection is gone or going; the subscription must not come back with it
			continue
		}
		select {
		case <-s.closed[i]:
		case <-ctx.Done():
			_ = sub.Unsubscribe() // what is left is dropped, and comes again
		}
	}
	s.subs, s.closed = nil, nil
	if server := <-s.served; server != nil {
		if err := server.Drain(ctx); err != nil {
			s.log.Debug("the dispatcher's requests did not drain", "error", err)
		}
	}
}

// settled hands on what has come back on the reply subject of a delivery.
func (s *DispatchServer) settled(r Settlement) {
	switch {
	case r.Nobody:
		s.dispatcher.NoResponders(r.Token)
	case r.Awaited:
		s.dispatcher.Settle(r.Subscriber, r.Token, r.Answer, r.Confirm)
	default:
		s.dispatcher.Settle(r.Subscriber, r.Token, r.Answer, nil)
	}
}

func (s *DispatchServer) endpoints() []Endpoint {
	all := []Endpoint{{
		Name: "settle", Subject: wire.SettleRequest("*"), Handle: s.settle, Inline: true,
		Metadata: map[string]string{"request": "settle.request.json", "reply": "settle.reply.json"},
	}, {
		Name: "claim", Subject: wire.Claim("*"), Handle: s.claim, Inline: true,
		Metadata: map[string]string{"request": "claim.request.json", "reply": "claim.reply.json"},
	}, {
		Name: "release", Subject: wire.Release("*"), Handle: s.release, Inline: true,
		Metadata: map[string]string{"request": "release.request.json", "reply": "claim.reply.json"},
	}}
	for _, e := range [...]struct{ name, subject string }{
		{"next", wire.Next("*")},
		{"delivery-hide", wire.Operate("hide", "*")},
		{"delivery-park", wire.Operate("park", "*")},
		{"delivery-retry", wire.Operate("retry", "*")},
		{"delivery-discard", wire.Operate("discard", "*")},
		{"delivery-replay", wire.Operate("replay", "*")},
	} {
		all = append(all, Endpoint{Name: e.name, Subject: e.subject, Inline: true, Handle: notBuilt(e.name)})
	}
	return all
}

func notBuilt(what string) func(context.Context, *Request, Done) {
	return func(_ context.Context, _ *Request, done Done) { done(nil, kapivara.NotBuilt("", what)) }
}

// settle takes an answer that came with its token in the body.
func (s *DispatchServer) settle(_ context.Context, r *Request, done Done) {
	token, answer, err := wire.DecodeSettle(r.Body)
	if err != nil {
		done(nil, err)
		return
	}
	s.dispatcher.Settle(last(r), token, answer, func(settled kapivara.Settled, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(wire.AppendSettled(nil, settled), nil)
	})
}
