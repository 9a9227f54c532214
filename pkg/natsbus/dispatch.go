package natsbus

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Dispatcher settles what subscribers answer and does what is asked for them, for those subscribers whose duty it has.
type Dispatcher interface {
	// OnRun sets what is called when a run begins, with its number, and when it has ended.
	OnRun(f func(run int32, on bool))
	// Run is the number of the run, 0 between two.
	Run() int32
	// Owner is the run that works for the subscriber, 0 where none does; kapivara.NotFound where there is no such one.
	Owner(ctx context.Context, subscriber string) (run int32, err error)
	// Working tells whether the run, which was found to work for the subscriber at the time since, may still do so.
	Working(ctx context.Context, run int32, subscriber string, since time.Time) (bool, error)
	// Settle takes an answer that came in a request; done is called once, with kapivara.ErrOffDuty where the subscriber is
	// another's. It does not wait.
	Settle(subscriber, token string, a kapivara.Answer, done func(kapivara.Settled, error))
	// Answered takes an answer that came to every dispatcher; done may be nil, and is called once where the subscriber is this
	// one's. It does not wait.
	Answered(subscriber, token string, a kapivara.Answer, done func(kapivara.Settled, error))
	// Claim takes a claim in, and Release gives buckets back; done is called once, with what the node then has, or with
	// kapivara.ErrOffDuty where the subscriber is another's. Neither waits.
	Claim(subscriber string, r kapivara.ClaimRequest, done func([]kapivara.Claimed, error))
	Release(subscriber string, r kapivara.ReleaseRequest, done func([]kapivara.Claimed, error))
	// Next asks for deliveries; done is called once, with kapivara.ErrOffDuty where the subscriber is another's. It does not wait.
	Next(subscriber string, q kapivara.NextQuery, done func([]kapivara.Delivery, error))
	// EndWaits has every request for deliveries answered at once, whatever its wait.
	EndWaits()
	// EndSendings has nothing sent any more, and returns when what had begun is out, or ctx ends.
	EndSendings(ctx context.Context)
	// Operate does an operator's verb, and Replay has streams sent again; done is called once, with how many deliveries were
	// changed, and with kapivara.ErrOffDuty where the subscriber is another's. Neither waits.
	Operate(subscriber string, o kapivara.Operation, done func(changed int, err error))
	Replay(subscriber string, r kapivara.Replay, done func(changed int, err error))
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

// NewDispatchSender sends on the connection, on which the dispatcher is to be served, and shows by watch.
func NewDispatchSender(nc *nats.Conn, watch *Watch) *DispatchSender {
	return &DispatchSender{sender: NewSender(nc), watch: watch}
}

// Send publishes the delivery on its bucket's subject, or on that of its node where it has one.
func (s *DispatchSender) Send(d *kapivara.Delivery) error { return s.sender.SendDelivery(d, d.Node) }

// Line is another number whenever word of what was sent before, that it met nobody, may have been lost.
func (s *DispatchSender) Line() int64 { return s.sender.Line() }

// Echo has heard called behind all that NATS says of what was sent before the call, and was handed to the dispatcher that is
// served; certain tells that nothing of it was lost since the line was that. It does not wait.
func (s *DispatchSender) Echo(line int64, heard func(certain bool)) { s.sender.Echo(line, heard) }

// Notify shows where a delivery of the subscriber stands.
func (s *DispatchSender) Notify(subscriber string, row *kapivara.DeliveryRow) {
	s.watch.Delivery(subscriber, *row)
}

// DispatchServer is the service kapivara-dispatcher of one instance. It takes what comes for any subscriber: what is for
// another dispatcher's goes there (forward.go).
type DispatchServer struct {
	nc         *nats.Conn
	dispatcher Dispatcher
	log        *slog.Logger
	verbs      []verb
	server     *Server
	answers    *nats.Subscription
	pokes      *nats.Subscription
	listened   chan struct{} // closed when the last answer is with the dispatcher
	forwarded  forwarded
}

// ServeDispatcher begins to serve the dispatcher on the connection of the sender that it sends by. Call it before
// the dispatcher starts, so that nothing is sent whose answer is missed. Only Version, InFlight and InFlightBytes of the service are looked at.
func ServeDispatcher(sender *DispatchSender, d Dispatcher, service Service, log *slog.Logger) (*DispatchServer, error) {
	nc := sender.sender.nc
	s := &DispatchServer{nc: nc, dispatcher: d, log: log, listened: make(chan struct{})}
	s.verbs = s.allVerbs()
	s.forwarded.ctx, s.forwarded.cancel = context.WithCancel(context.Background())
	d.OnRun(s.onRun)
	service.Name, service.Description = "kapivara-dispatcher", "Sends finished streams to their subscribers and settles the answers"
	service.Endpoints = s.endpoints()
	var err error
	// On the dispatcher's own connection: what it publishes later cannot be answered earlier.
	if s.answers, err = sender.sender.Listen(log, s.settled); err != nil {
		return nil, err
	}
	s.answers.SetClosedHandler(func(string) { close(s.listened) })
	if s.pokes, err = ListenCommitted(nc, func(c wire.Committed) { d.Poke(c.Due, c.Registry) }); err != nil {
		return nil, err
	}
	if s.server, err = Serve(nc, service, log); err != nil {
		return nil, err
	}
	return s, nil
}

// Drain takes no more, has nothing sent any more, and returns when all requests are answered and all answers are with the
// dispatcher, or when ctx ends. Stop the dispatcher afterwards.
func (s *DispatchServer) Drain(ctx context.Context) error {
	s.dispatcher.EndWaits()
	err := s.server.Drain(ctx)
	_ = s.pokes.Unsubscribe() // the connection may be gone: then nothing comes any more either
	err = errors.Join(err, s.drainForwarded(ctx))
	s.dispatcher.EndSendings(ctx)
	if s.answers.Drain() != nil {
		return err
	}
	select {
	case <-s.listened:
	case <-ctx.Done(): // what is left is dropped: other dispatchers have it too, or it comes again
		_ = s.answers.Unsubscribe()
	}
	return err
}

// settled hands on what has come back on the reply subject of a delivery.
func (s *DispatchServer) settled(r Settlement) {
	switch {
	case r.Nobody:
		s.dispatcher.NoResponders(r.Token)
	case r.Awaited:
		s.dispatcher.Answered(r.Subscriber, r.Token, r.Answer, r.Confirm)
	default:
		s.dispatcher.Answered(r.Subscriber, r.Token, r.Answer, nil)
	}
}

// allVerbs are the requests for a subscriber.
func (s *DispatchServer) allVerbs() []verb {
	all := []verb{{
		name: "settle", subject: wire.SettleRequest("*"), handle: s.settle,
		metadata: map[string]string{"request": "settle.request.json", "reply": "settle.reply.json"},
	}, {
		name: "claim", subject: wire.Claim("*"), handle: s.claim,
		metadata: map[string]string{"request": "claim.request.json", "reply": "claim.reply.json"},
	}, {
		name: "release", subject: wire.Release("*"), handle: s.release,
		metadata: map[string]string{"request": "release.request.json", "reply": "claim.reply.json"},
	}, {
		name: "next", subject: wire.Next("*"), handle: s.next, rest: nextRest,
		metadata: map[string]string{"request": "next.request.json", "reply": "next.reply.json"},
	}}
	return append(all, s.operatorVerbs()...)
}

func (s *DispatchServer) endpoints() (all []Endpoint) {
	for _, v := range s.verbs {
		all = append(all, Endpoint{Name: v.name, Subject: v.subject, Metadata: v.metadata, Inline: true, Handle: s.route(v)})
	}
	return all
}

// settle takes an answer that came with its token in the body.
func (s *DispatchServer) settle(_ context.Context, subscriber string, body []byte, done Done) {
	token, answer, err := wire.DecodeSettle(body)
	if err != nil {
		done(nil, err)
		return
	}
	s.dispatcher.Settle(subscriber, token, answer, func(settled kapivara.Settled, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(wire.AppendSettled(nil, settled), nil)
	})
}
