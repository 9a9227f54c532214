package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// Node takes the deliveries of a subscriber in its queue group and commits each at once, confirmed: as a program does that
// has nothing else to do.
type Node struct {
	conn      *nats.Conn
	buckets   *nats.Subscription
	confirmed *nats.Subscription
}

// Counts are what nodes together have seen. All are for several goroutines.
type Counts struct {
	mu        sync.Mutex
	seen      func(stream string, now time.Time)
	first     time.Time // when the first delivery came
	last      time.Time // when the last confirmation came
	delivered int64
	confirmed int64
	err       error
	wanted    int64         // how many confirmations somebody waits for
	changed   chan struct{} // has room for one word: that they are there, or an error
}

// NewCounts are counts from 0. seen, where it is not nil, is called for each delivery, one at a time.
func NewCounts(seen func(stream string, now time.Time)) *Counts {
	return &Counts{seen: seen, changed: make(chan struct{}, 1)}
}

// StartNode has a node of the subscriber take deliveries on a connection, until Stop.
func StartNode(nc *nats.Conn, subscriber string, counts *Counts) (*Node, error) {
	n := &Node{conn: nc}
	inbox := nats.NewInbox()
	var err error
	if n.confirmed, err = nc.Subscribe(inbox, counts.confirm); err == nil {
		err = n.confirmed.SetPendingLimits(-1, -1)
	}
	if err == nil {
		n.buckets, err = nc.QueueSubscribe("kapivara.v1.bucket."+subscriber+".*", subscriber, func(m *nats.Msg) {
			counts.deliver(m, nc.PublishRequest(m.Reply, inbox, []byte("+ACK")))
		})
	}
	if err == nil {
		err = n.buckets.SetPendingLimits(-1, -1)
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		return nil, fmt.Errorf("node of %s: %w", subscriber, err)
	}
	return n, nil
}

// Stop takes no more and answers what has come; Counts.Settled then waits for the confirmations.
func (n *Node) Stop(ctx context.Context) error {
	closed := make(chan struct{})
	n.buckets.SetClosedHandler(func(string) { close(closed) })
	if err := n.buckets.Drain(); err != nil {
		return fmt.Errorf("stop a node: %w", err)
	}
	select {
	case <-closed:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := n.conn.FlushTimeout(answerWithin); err != nil {
		return fmt.Errorf("stop a node: %w", err)
	}
	return nil
}

// deliver notes a delivery whose answer has been sent, or could not be.
func (c *Counts) deliver(m *nats.Msg, err error) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first.IsZero() {
		c.first = now
	}
	c.delivered++
	if attempt := m.Header.Get("Kapivara-Attempt"); attempt != "1" && err == nil {
		err = fmt.Errorf("attempt %s of %s: every one was answered", attempt, m.Header.Get("Kapivara-Delivery"))
	}
	if err != nil {
		c.fail(err)
	}
	if c.seen != nil {
		c.seen(m.Header.Get("Kapivara-Stream"), now)
	}
}

// confirm notes a confirmation.
func (c *Counts) confirm(m *nats.Msg) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if string(m.Data) != `{"settled":"committed"}` {
		c.fail(fmt.Errorf("an answer was confirmed with %s %s", m.Header.Get("Nats-Service-Error"), m.Data))
		return
	}
	c.confirmed++
	c.last = time.Now()
	if c.confirmed == c.wanted {
		c.wake()
	}
}

func (c *Counts) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.wake()
}

func (c *Counts) wake() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// Await waits until so many deliveries are confirmed in all. It is an error when for a minute none is.
func (c *Counts) Await(ctx context.Context, confirmed int64) error {
	late := time.NewTicker(answerWithin)
	defer late.Stop()
	for before := int64(-1); ; {
		c.mu.Lock()
		c.wanted = confirmed
		have, err := c.confirmed, c.err
		c.mu.Unlock()
		if err != nil || have >= confirmed {
			return err
		}
		select {
		case <-c.changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			if have == before {
				return fmt.Errorf("%d of %d deliveries are confirmed, and no more for %v", have, confirmed, answerWithin)
			}
			before = have
		}
	}
}

// Settled waits until all that has come is confirmed. The nodes have stopped.
func (c *Counts) Settled(ctx context.Context) error {
	c.mu.Lock()
	delivered := c.delivered
	c.mu.Unlock()
	return c.Await(ctx, delivered)
}

// Confirmed is how many deliveries are confirmed so far.
func (c *Counts) Confirmed() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.confirmed
}

// Span is when the first delivery came since Begin, and when the last confirmation did.
func (c *Counts) Span() (first, last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first, c.last
}

// Begin has the next delivery be the first again.
func (c *Counts) Begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.first = time.Time{}
}

// Close closes the node's connection.
func (n *Node) Close() { n.conn.Close() }
