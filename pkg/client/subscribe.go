package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// Handler works on one delivery. nil commits it: once that is confirmed it is never sent again. An error has it sent
// again by the subscriber's backoff; see Terminate and RetryAfter. So does nil where the last reading of the delivery's events
// has failed. A delivery may come more than once, so remember (d.Stream, d.To) with your work. ctx ends when Stop gives up
// waiting.
type Handler func(ctx context.Context, d *Delivery) error

// Subscription receives the deliveries of a subscriber, together with all other nodes that do.
type Subscription struct {
	client     *Client
	subscriber string
	handle     Handler
	config     subscribeConfig
	claimer    *claimer // nil where it claims nothing
	subs       []*nats.Subscription
	ctx        context.Context // of the handlers
	cancel     context.CancelFunc

	mu      sync.Mutex
	lanes   map[Bucket]*lane
	claimed []Claimed
	stopped bool
	busy    sync.WaitGroup // lanes at work
}

// Subscribe receives deliveries in the queue group of the subscriber, until Stop. Deliveries of one bucket are handled
// one after another, in order; buckets side by side. While a delivery waits for its turn its deadline is moved on.
func (c *Client) Subscribe(subscriber string, handle Handler, opts ...SubscribeOption) (*Subscription, error) {
	if err := kapivara.CheckToken("subscriber", "a subscriber", subscriber); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	s := &Subscription{
		client: c, subscriber: subscriber, handle: handle, lanes: map[Bucket]*lane{},
		config: subscribeConfig{onError: func(error) {}, patience: 30 * time.Second},
	}
	for _, opt := range opts {
		if err := opt(&s.config); err != nil {
			return nil, fmt.Errorf("subscribe: %w", err)
		}
	}
	var err error
	if s.claimer, err = s.config.newClaimer(); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, subject := range s.subjects(subscriber) {
		sub, err := c.nc.QueueSubscribe(subject, subscriber, s.receive)
		if err == nil {
			s.subs = append(s.subs, sub)
			err = sub.SetPendingLimits(-1, -1) // what waits is bounded by max_in_flight
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("subscribe: %w: %w", ErrDisconnected, err), s.abandon())
		}
	}
	if err := s.admitted(); err != nil {
		return nil, errors.Join(fmt.Errorf("subscribe: %w", err), s.abandon())
	}
	if s.claimer != nil {
		s.startClaiming()
	}
	return s, nil
}

func (s *Subscription) subjects(subscriber string) []string {
	if s.claimer != nil { // whichever bucket: one of older settings is served until it is empty
		return []string{wire.Prefix + "bucket." + subscriber + ".*." + s.claimer.request.Node}
	}
	if len(s.config.buckets) == 0 {
		return []string{wire.Prefix + "bucket." + subscriber + ".*"}
	}
	subjects := make([]string, len(s.config.buckets))
	for i, bucket := range s.config.buckets {
		subjects[i] = wire.BucketSubject(subscriber, bucket)
	}
	return subjects
}

// admitted waits until the server knows the subscriptions, and tells whether it refused one.
func (s *Subscription) admitted() error {
	if err := s.client.nc.FlushTimeout(s.client.timeout); err != nil {
		return fmt.Errorf("%w: %w", ErrDisconnected, err)
	}
	denied := s.client.nc.LastError()
	for _, sub := range s.subs {
		if errors.Is(denied, nats.ErrPermissionViolation) && strings.Contains(denied.Error(), sub.Subject) {
			return denied
		}
	}
	return nil
}

func (s *Subscription) abandon() error {
	s.cancel()
	var errs []error
	for _, sub := range s.subs {
		errs = append(errs, sub.Unsubscribe())
	}
	return errors.Join(errs...)
}

// receive puts a delivery into the lane of its bucket.
func (s *Subscription) receive(msg *nats.Msg) {
	it, err := s.client.newItem(msg, time.Now())
	if err != nil {
		s.config.onError(fmt.Errorf("receive from %s: %w", msg.Subject, err))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	l := s.lanes[it.delivery.Bucket]
	if l == nil {
		l = &lane{subscription: s}
		s.lanes[it.delivery.Bucket] = l
	}
	l.put(it)
}

// Stop takes no more deliveries, waits until those at hand are handled and confirmed, and returns. When ctx ends first
// the handlers' context ends, too; what they leave is sent again to others.
func (s *Subscription) Stop(ctx context.Context) error {
	var errs []error
	if s.claimer == nil {
		errs = s.drainAll(ctx)
	}
	s.mu.Lock()
	again := s.stopped
	s.stopped = true
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.busy.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		errs = append(errs, ctx.Err())
		s.cancel()
		<-done
	}
	s.cancel()
	if s.claimer != nil && !again {
		// Whoever meets nobody at a node's subject takes its buckets away, with what is at hand: so that is finished first.
		errs = append(errs, s.stopClaiming())
		errs = append(errs, s.drainAll(ctx)...)
	}
	return errors.Join(errs...)
}

func (s *Subscription) drainAll(ctx context.Context) (errs []error) {
	for _, sub := range s.subs {
		errs = append(errs, s.drain(ctx, sub))
	}
	return errs
}

// drain ends one subscription once all that the server sent is in its lane.
func (s *Subscription) drain(ctx context.Context, sub *nats.Subscription) error {
	closed := make(chan struct{})
	sub.SetClosedHandler(func(string) { close(closed) })
	if err := sub.Drain(); err != nil {
		if errors.Is(err, nats.ErrBadSubscription) || errors.Is(err, nats.ErrConnectionClosed) {
			return nil // it is over already
		}
		return fmt.Errorf("drain %s: %w", sub.Subject, err)
	}
	select {
	case <-closed:
	case <-ctx.Done():
	}
	return nil
}
