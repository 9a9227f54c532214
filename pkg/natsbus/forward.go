package natsbus

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// verb is a request for a subscriber. It may come to any dispatcher, and is handled by the one that has the duty for the
// subscriber.
type verb struct {
	name     string // of the endpoint, and in the subject of what is forwarded
	subject  string // with * for the subscriber, its last part
	metadata map[string]string
	// handle answers where the duty is here, and is done with kapivara.ErrOffDuty where it is not. It must not wait.
	handle func(ctx context.Context, subscriber string, body []byte, done Done)
	// rest is set where the request may be held back before it is answered: what is left to be asked for when so much time
	// has passed since it came, and for how long that may be held back; or, where nothing is, the answer.
	rest func(body []byte, passed time.Duration) (left []byte, wait time.Duration, over []byte)
}

const (
	// forwardFor is how long somebody is looked for who can handle a request: longer than it takes until another dispatcher
	// has the duties of one that was killed.
	forwardFor = 3500 * time.Millisecond
	// forwardWatch is how often it is looked whether the dispatcher that was asked still has the duty.
	forwardWatch  = 500 * time.Millisecond
	forwardPause  = 10 * time.Millisecond // between tries, at first
	forwardPauses = 200 * time.Millisecond
)

// route handles a request here, or has it handled where the duty for its subscriber is.
func (s *DispatchServer) route(v verb) func(context.Context, *Request, Done) {
	return func(ctx context.Context, r *Request, done Done) {
		subscriber, body, came := last(r), r.Body, time.Now()
		v.handle(ctx, subscriber, body, func(reply []byte, err error) {
			if errors.Is(err, kapivara.ErrOffDuty) {
				go func() { done(s.forward(ctx, v, subscriber, body, came)) }()
				return
			}
			done(reply, err)
		})
	}
}

// forward finds who has the duty and asks there, again and again, until somebody answers.
func (s *DispatchServer) forward(
	ctx context.Context, v verb, subscriber string, body []byte, came time.Time,
) (reply []byte, err error) {
	end := time.Now().Add(forwardFor)
	looking, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	for pause := forwardPause; ; pause = min(2*pause, forwardPauses) {
		run, err := s.dispatcher.Owner(looking, subscriber)
		left, wait, over := body, time.Duration(0), []byte(nil)
		if v.rest != nil {
			left, wait, over = v.rest(body, time.Since(came))
		}
		switch {
		case err != nil:
			return nil, forwardError(err)
		case over != nil:
			return over, nil
		case run == 0: // somebody will take it
		case run == s.dispatcher.Run():
			reply, err = s.here(ctx, v, subscriber, left)
		default:
			reply, err = s.ask(ctx, run, v, subscriber, left, time.Until(end)+wait)
		}
		if run != 0 && !errors.Is(err, kapivara.ErrOffDuty) {
			return reply, err
		}
		select {
		case <-time.After(pause):
		case <-looking.Done():
			return nil, kapivara.Refuse(kapivara.Unavailable, "no dispatcher works for %s at this moment; send the same request again", subscriber)
		}
	}
}

// forwardError is what is answered where nobody can be looked for.
func forwardError(err error) error {
	if kapivara.CodeOf(err) == "" && errors.Is(err, context.DeadlineExceeded) {
		return kapivara.Refuse(kapivara.Unavailable, "the store is out of reach; send the same request again")
	}
	return err
}

// here handles the request at this dispatcher and waits for its answer.
func (s *DispatchServer) here(ctx context.Context, v verb, subscriber string, body []byte) (reply []byte, err error) {
	answered := make(chan struct{})
	v.handle(ctx, subscriber, body, func(b []byte, e error) {
		reply, err = b, e
		close(answered)
	})
	<-answered
	return reply, err
}

// ask has the request handled by another dispatcher. kapivara.ErrOffDuty says that it could not, or no longer can.
func (s *DispatchServer) ask(
	ctx context.Context, run int32, v verb, subscriber string, body []byte, within time.Duration,
) ([]byte, error) {
	asking, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	go s.watch(asking, cancel, run, subscriber, time.Now())
	m, err := s.nc.RequestWithContext(asking, wire.InternalDispatcher(run, v.name, subscriber), body)
	switch {
	case err != nil, m.Header.Get(wire.OffDutyHeader) != "":
		return nil, kapivara.ErrOffDuty
	default:
	}
	if refusal := wire.DecodeError(m.Header.Get, m.Data); refusal != nil {
		return nil, refusal
	}
	return m.Data, nil
}

// watch ends the asking, begun then, when the dispatcher that was asked no longer works: it may have died or stand still.
func (s *DispatchServer) watch(ctx context.Context, cancel context.CancelFunc, run int32, subscriber string, begun time.Time) {
	tick := time.NewTicker(forwardWatch)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if works, err := s.dispatcher.Working(ctx, run, subscriber, begun); err == nil && !works {
				cancel()
				return
			}
		}
	}
}

// forwarded is what other dispatchers have forwarded to this one.
type forwarded struct {
	ctx    context.Context // of the handlers
	cancel context.CancelFunc
	mu     sync.Mutex
	sub    *nats.Subscription
	ended  bool
	hand   sync.WaitGroup // requests in hand
}

// onRun listens to what is forwarded to the run.
func (s *DispatchServer) onRun(run int32, on bool) {
	f := &s.forwarded
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sub != nil {
		_ = f.sub.Unsubscribe() // whoever has forwarded something asks the next one
		f.sub = nil
	}
	if !on || f.ended {
		return
	}
	sub, err := s.nc.Subscribe(wire.InternalDispatcher(run, "*", "*"), s.receive)
	if err != nil {
		s.log.Error("the dispatcher cannot listen to others", "error", err)
		return
	}
	f.sub = sub
}

// receive handles what another dispatcher has forwarded.
func (s *DispatchServer) receive(m *nats.Msg) {
	tokens := wire.Tokens(m.Subject)
	if len(tokens) != 5 || !isInbox(m.Reply) {
		return
	}
	for _, v := range s.verbs {
		if v.name != tokens[3] {
			continue
		}
		s.forwarded.hand.Add(1)
		var once sync.Once
		v.handle(s.forwarded.ctx, tokens[4], m.Data, func(reply []byte, err error) {
			once.Do(func() {
				defer s.forwarded.hand.Done()
				if errors.Is(err, kapivara.ErrOffDuty) {
					_ = s.nc.PublishMsg(&nats.Msg{Subject: m.Reply, Header: nats.Header{wire.OffDutyHeader: {"1"}}}) // else it times out
					return
				}
				_ = respond(s.nc, s.log, m.Reply, m.Subject, reply, err) // it has logged what went wrong
			})
		})
		return
	}
}

// drainForwarded takes no more and waits until what is in hand is answered.
func (s *DispatchServer) drainForwarded(ctx context.Context) error {
	f := &s.forwarded
	f.mu.Lock()
	f.ended = true
	sub := f.sub
	f.sub = nil
	f.mu.Unlock()
	defer f.cancel()
	if sub != nil {
		_ = sub.Unsubscribe() // what is not handed on yet is asked of the next one
	}
	done := make(chan struct{})
	go func() { f.hand.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
