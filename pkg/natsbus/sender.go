package natsbus

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Sender publishes deliveries and listens to their answers, both on one connection: NATS tells at once when nobody
// listens to a bucket, but only the connection that sent the delivery, by a message on the reply subject.
type Sender struct {
	nc     *nats.Conn
	settle atomic.Pointer[nats.Subscription] // to what comes back
	echoes echoes
}

// NewSender sends on the connection, and listens there once Listen was called.
func NewSender(nc *nats.Conn) *Sender { return &Sender{nc: nc} }

// Send publishes once, with the subject on which the answer is awaited. It returns before anything has arrived anywhere;
// an error means that nothing was sent.
func (s *Sender) Send(subject string, headers map[string][]string, body []byte, replySubject string) error {
	m := &nats.Msg{Subject: subject, Reply: replySubject, Header: headers, Data: body}
	if err := s.nc.PublishMsg(m); err != nil {
		return fmt.Errorf("send to %s: %w", subject, err)
	}
	return nil
}

// SendDelivery writes the delivery and sends it: to its bucket, or to the bucket's owner where node is not "". The answer
// is awaited on the subject of its token.
func (s *Sender) SendDelivery(d *kapivara.Delivery, node string) error {
	subject := wire.BucketSubject(d.Subscriber, d.Bucket)
	if node != "" {
		subject = wire.BucketNodeSubject(d.Subscriber, d.Bucket, node)
	}
	return s.Send(subject, wire.DeliveryHeaders(d), wire.AppendDelivery(nil, d), wire.SettleSubject(d.Subscriber, d.Token))
}

// Settlement is what has come back for a token.
type Settlement struct {
	Subscriber string
	Token      string
	// Nobody tells that the sending has met no subscriber. Answer is then empty, and nothing can be confirmed.
	Nobody bool
	Answer kapivara.Answer
	// Confirm answers the subscriber once the answer is durable, or refuses it. Where no confirmation is awaited it does
	// nothing; it is never nil.
	Confirm func(settled kapivara.Settled, err error)
	// Awaited tells that a confirmation is.
	Awaited bool
}

// Listen hands on every answer that is sent to the reply subject of a delivery, and every sending that met nobody, one at
// a time and in their order; handle must not wait. It is to be called once, before the first sending. Unsubscribe or drain
// the subscription to end it.
func (s *Sender) Listen(log *slog.Logger, handle func(Settlement)) (*nats.Subscription, error) {
	var lost drops
	nc := s.nc
	sub, err := nc.Subscribe(wire.SettleAll, func(m *nats.Msg) {
		lost.check(m.Sub, log, "answers")
		if back, ok := readSettlement(nc, log, m); ok {
			handle(back)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listen to answers: %w", err)
	}
	if err := sub.SetPendingLimits(pendingMessages, pendingBytes); err != nil {
		return nil, fmt.Errorf("listen to answers: %w", err)
	}
	s.settle.Store(sub)
	return sub, nil
}

const (
	statusHeader = "Status"
	noResponders = "503"
)

func readSettlement(nc *nats.Conn, log *slog.Logger, m *nats.Msg) (Settlement, bool) {
	subscriber, token, ok := wire.ParseSettle(m.Subject)
	if !ok {
		return Settlement{}, false
	}
	s := Settlement{Subscriber: subscriber, Token: token, Confirm: func(kapivara.Settled, error) {}}
	if len(m.Data) == 0 && m.Header.Get(statusHeader) == noResponders {
		s.Nobody = true
		return s, true
	}
	answer, ignore := wire.ParseReply(m.Data, m.Header.Get(wire.ErrorHeader))
	if ignore {
		return Settlement{}, false
	}
	s.Answer = answer
	if m.Reply != "" {
		s.Confirm, s.Awaited = confirm(nc, log, m), isInbox(m.Reply)
	}
	return s, true
}

// confirm answers an answer that was sent as a request.
func confirm(nc *nats.Conn, log *slog.Logger, m *nats.Msg) func(kapivara.Settled, error) {
	if !isInbox(m.Reply) {
		log.Debug("answer not confirmed: its reply subject is no inbox", "subject", m.Subject)
		return func(kapivara.Settled, error) {}
	}
	return func(settled kapivara.Settled, err error) {
		var body []byte
		if err == nil {
			body = wire.AppendSettled(nil, settled)
		}
		_ = respond(nc, log, m.Reply, wire.SettleAll, body, err) // it has logged what went wrong
	}
}
