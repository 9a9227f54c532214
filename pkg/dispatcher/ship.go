package dispatcher

import (
	"context"
	"sync"
	"sync/atomic"

	"kapivara/pkg/kapivara"
)

// shipper reads the events of the cargoes and sends them, in the order in which it takes them.
type shipper struct {
	store   Bodies
	sender  Sender
	clock   *clock
	limit   int
	dropped *atomic.Int64 // words that were not kept
	held    func() bool   // the duty is certain to be
	warn    func(msg string, args ...any)
	reports chan report
	out     []*cargo // that were taken and not reported, in their order; it belongs to the desk

	mu    sync.Mutex
	queue []*cargo
	wake  chan struct{}
	ended chan struct{}
}

const (
	heldBytes = 16 << 20 // of events read ahead of their turn
	keptBytes = 8 << 10  // of events kept between probes
)

func newShipper(ctx context.Context, k *desk) *shipper {
	s := &shipper{
		store: k.store, sender: k.sender, clock: k.clock, limit: k.cfg.Body, dropped: &k.inbox.dropped, held: k.held, warn: k.log.Warn,
		reports: make(chan report), wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go s.run(ctx)
	return s
}

func (s *shipper) take(c *cargo) {
	s.out = append(s.out, c)
	s.mu.Lock()
	s.queue = append(s.queue, c)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// full tells that enough waits to be sent; leasing more would only make deadlines pass.
func (s *shipper) full() bool { return len(s.out) >= 2 }

// recall keeps what has not gone out yet of a delivery from being sent.
func (s *shipper) recall(ref kapivara.Ref) {
	for _, c := range s.out {
		for _, i := range c.items {
			if i.lane.row.No == ref.Bucket && i.delivery.Number == ref.Number {
				i.recalled.Store(true)
			}
		}
	}
}

func (s *shipper) wait() { <-s.ended }

func (s *shipper) run(ctx context.Context) {
	defer close(s.ended)
	for ctx.Err() == nil {
		s.mu.Lock()
		var c *cargo
		if len(s.queue) > 0 {
			c, s.queue = s.queue[0], s.queue[1:]
		}
		s.mu.Unlock()
		if c == nil {
			select {
			case <-s.wake:
			case <-ctx.Done():
			}
			continue
		}
		s.ship(ctx, c)
		select {
		case s.reports <- report{c, s.clock.now()}:
		case <-ctx.Done():
		}
	}
}

// ship reads while the turn is being written, and sends once it is durable.
func (s *shipper) ship(ctx context.Context, c *cargo) {
	var stretches []kapivara.Stretch
	var unread []*item
	for _, i := range c.items {
		if !i.read {
			stretches = append(stretches, i.stretch)
			unread = append(unread, i)
		}
	}
	c.line, c.dropped = s.sender.Line(), s.dropped.Load()
	next, held := 0, 0 // items before next are sent
	flush := func() {
		for ; next < len(c.items) && c.items[next].read; next++ {
			s.send(c.items[next])
		}
		held = 0
	}
	var err error
	if len(stretches) > 0 {
		err = s.store.Events(ctx, stretches, s.limit, func(n int, events []kapivara.Event) error {
			i := unread[n]
			if err := i.check(events); err != nil {
				return err
			}
			i.events, i.read = events, true
			if held += size(events); held > heldBytes {
				if err := c.wait(ctx); err != nil {
					return err
				}
			}
			if c.durable() {
				flush()
			}
			return nil
		})
	}
	if c.wait(ctx) != nil {
		return
	}
	flush()
	s.answerRest(c)
	if err != nil && ctx.Err() == nil {
		s.warn("deliveries could not be read; they are sent later", "error", err, "deliveries", len(c.items)-next)
	}
}

func (s *shipper) send(i *item) {
	if i.pull != nil {
		s.hand(i)
		return
	}
	d := &i.delivery
	d.Events = i.events
	d.Deadline = s.clock.now().Add(d.AckWait)
	if !s.held() {
		d.Events, i.events = nil, nil
		return // another dispatcher may have it by now, and may have settled it
	}
	if i.recalled.Load() {
		d.Events, i.events = nil, nil
		return
	}
	if err := s.sender.Send(d); err != nil {
		s.warn("a delivery could not be sent; it is sent later", "error", err, "subscriber", d.Subscriber, "bucket", d.Bucket.String())
	} else {
		i.sent = true
		s.sender.Notify(d.Subscriber, i.show())
	}
	d.Events = nil
	if !i.keep || size(i.events) > keptBytes {
		i.events = nil
	}
}
