package natsbus

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// endpoint is an Endpoint at work.
type endpoint struct {
	Endpoint
	server *Server
	sub    *nats.Subscription
	closed chan struct{} // closed when the subscription has handed on its last request
	stats  stats
	drops  drops
}

func (s *Server) listen(e Endpoint) (*endpoint, error) {
	ep := &endpoint{Endpoint: e, server: s, closed: make(chan struct{})}
	sub, err := s.nc.QueueSubscribe(e.Subject, s.service.Name, ep.receive)
	if err != nil {
		return nil, err
	}
	sub.SetClosedHandler(func(string) { close(ep.closed) })
	if err := sub.SetPendingLimits(pendingMessages, pendingBytes); err != nil {
		return nil, err
	}
	ep.sub = sub
	return ep, nil
}

// receive runs in the goroutine of the subscription. It hands on, or answers busy.
func (e *endpoint) receive(m *nats.Msg) {
	e.drops.check(m.Sub, e.server.log, e.Name)
	if !isInbox(m.Reply) {
		e.stats.refused.Add(1)
		e.server.log.Debug("request dropped: its reply subject is no inbox", "endpoint", e.Name)
		return
	}
	s := e.server
	c := &call{endpoint: e, arrived: time.Now(), size: int64(len(m.Data))}
	c.request = Request{Subject: m.Subject, Tokens: wire.Tokens(m.Subject), Body: m.Data, Reply: m.Reply, Header: m.Header}
	requests, bytes := s.requests.Add(1), s.bytes.Add(c.size)
	switch {
	case requests > int64(s.service.InFlight) || bytes > int64(s.service.InFlightBytes) && requests > 1 || behind(m.Sub):
		e.stats.busy.Add(1)
		c.turnAway()
	case e.Inline:
		c.handle()
	case s.work != nil:
		s.work <- c // has room for all that are in flight
	default:
		go c.handle()
	}
}

// behind tells that so much waits in the subscription that it would soon be dropped unseen: a request that is turned away
// is answered at once, one that is dropped never.
func behind(sub *nats.Subscription) bool {
	messages, bytes, err := sub.Pending()
	return err == nil && (messages > pendingMessages/2 || bytes > pendingBytes/2)
}

// isInbox tells whether replies may go there. Inside one account a client may name any subject as the reply of a request
// that it is allowed; an answer published there would speak with the service's rights.
func isInbox(reply string) bool {
	return strings.HasPrefix(reply, "_INBOX") || strings.HasPrefix(reply, "_R_.")
}

// call is one request in hand.
type call struct {
	endpoint *endpoint
	request  Request
	arrived  time.Time
	size     int64
	answered atomic.Bool
}

// handle runs the endpoint's function; a panic in it is answered as internal and ends nothing else.
func (c *call) handle() {
	defer func() {
		if p := recover(); p != nil {
			c.done(nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	c.endpoint.Handle(c.endpoint.server.ctx, &c.request, c.done)
}

// done answers.
func (c *call) done(body []byte, err error) {
	if c.answered.Swap(true) {
		return
	}
	s := c.endpoint.server
	c.finish(respond(s.nc, s.log, c.request.Reply, c.request.Subject, body, err))
}

// turnAway answers busy, by a message that was written once: there is no time for more under overload.
func (c *call) turnAway() {
	b := &c.endpoint.server.busy
	m := &nats.Msg{Subject: c.request.Reply, Header: b.header, Data: b.body}
	if err := c.endpoint.server.nc.PublishMsg(m); err != nil {
		c.endpoint.server.log.Debug("busy not answered", "error", err)
	}
	c.finish(b.refusal)
}

// finish counts and gives the place free.
func (c *call) finish(failure *kapivara.Error) {
	e, s := c.endpoint, c.endpoint.server
	e.stats.count(time.Since(c.arrived), failure)
	s.bytes.Add(-c.size)
	if s.requests.Add(-1) == 0 {
		select {
		case s.idle <- struct{}{}:
		default:
		}
	}
}

// Sync makes a Handle of a function that returns its answer.
func Sync(f func(ctx context.Context, r *Request) ([]byte, error)) func(context.Context, *Request, Done) {
	return func(ctx context.Context, r *Request, done Done) {
		body, err := f(ctx, r)
		done(body, err)
	}
}
