package rivals

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// drainAt pulls over one connection, and acknowledges each message at once as DoubleAck does: by a request, whose answer
// confirms it. That it does not wait for one answer before it sends the next request saves a goroutine for each.
func drainAt(ctx context.Context, conn *nats.Conn, left *countdown) (stop func(), err error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("JetStream: %w", err)
	}
	consumer, err := js.Consumer(ctx, "BUS", "billing")
	if err != nil {
		return nil, fmt.Errorf("find the consumer: %w", err)
	}
	inbox := nats.NewInbox()
	confirmed, err := conn.Subscribe(inbox+".*", func(m *nats.Msg) {
		left.confirmed(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:], m)
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to confirmations: %w", err)
	}
	pulling, err := consumer.Consume(func(m jetstream.Msg) {
		if err := conn.PublishRequest(m.Reply(), inbox+"."+left.pulled(), []byte("+ACK")); err != nil {
			left.fail(fmt.Errorf("acknowledge: %w", err))
		}
	}, jetstream.PullMaxMessages(deliverInFlight))
	if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	return func() { pulling.Stop(); <-pulling.Closed(); _ = confirmed.Unsubscribe() }, nil
}

// countdown follows the deliveries of a backlog: when each was pulled and how long its confirmation took.
type countdown struct {
	done chan struct{} // closed when all are confirmed, or one has failed

	mu   sync.Mutex
	from []time.Time
	took []time.Duration
	err  error
}

func newCountdown(backlog int) *countdown {
	return &countdown{done: make(chan struct{}), from: make([]time.Time, 0, backlog), took: make([]time.Duration, 0, backlog)}
}

// pulled notes a delivery and gives its number.
func (c *countdown) pulled() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from = append(c.from, time.Now())
	return strconv.Itoa(len(c.from) - 1)
}

// confirmed takes the answer to the acknowledgement of a number: it is empty, but for errors.
func (c *countdown) confirmed(number string, m *nats.Msg) {
	n, err := strconv.Atoi(number)
	if err != nil || len(m.Header) > 0 || len(m.Data) > 0 {
		c.fail(fmt.Errorf("acknowledge: not confirmed: %v %s", m.Header, m.Data))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = append(c.took, time.Since(c.from[n]))
	if len(c.took) == cap(c.took) {
		c.end(nil)
	}
}

func (c *countdown) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(err)
}

// end ends it once; the caller holds mu.
func (c *countdown) end(err error) {
	select {
	case <-c.done:
	default:
		c.err = err
		close(c.done)
	}
}
