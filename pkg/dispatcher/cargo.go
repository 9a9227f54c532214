package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"kapivara/pkg/kapivara"
)

// item is one sending of a delivery. It shares nothing with the flight, which belongs to the desk.
type item struct {
	lane     *lane
	delivery kapivara.Delivery
	claim    int64 // the epoch of its token
	due      int64
	stretch  kapivara.Stretch
	events   []kapivara.Event
	read     bool // events holds what is sent; nil goes by reference
	again    bool // the attempt was sent before
	keep     bool // the desk wants the events back, if they are few
	sent     bool
	pull     *pull       // the answer in which it goes out, nil where it is published
	recalled atomic.Bool // an operator has taken the delivery away
}

// cargo is what is sent together, once the turn that leases it is durable.
type cargo struct {
	items   []*item
	pulls   []*pull
	decided chan struct{}
	ok      bool  // to be sent; set before decided is closed
	line    int64 // on which it goes out
	dropped int64 // words that the inbox had dropped before
}

func newCargo() *cargo { return &cargo{decided: make(chan struct{})} }

func (c *cargo) add(i *item) { c.items = append(c.items, i) }

func (c *cargo) decide(ok bool) {
	c.ok = ok
	close(c.decided)
}

// report tells the desk that a cargo is out, or that it was not to be.
type report struct {
	cargo *cargo
	at    time.Time // the store's time when the last item was sent
}

// check makes sure that nothing partial ever leaves: by reference, or exactly the stretch.
func (i *item) check(events []kapivara.Event) error {
	if events == nil {
		return nil
	}
	if len(events) != i.stretch.To-i.stretch.From+1 {
		return fmt.Errorf("ship: %d events of the stretch %d to %d", len(events), i.stretch.From, i.stretch.To)
	}
	for n := range events {
		if events[n].Position != i.stretch.From+n {
			return fmt.Errorf("ship: position %d where %d belongs", events[n].Position, i.stretch.From+n)
		}
	}
	return nil
}

var errNotDurable = errors.New("ship: the turn was not done")

// wait waits until the cargo may be sent, and fails where it must not be.
func (c *cargo) wait(ctx context.Context) error {
	select {
	case <-c.decided:
		if !c.ok {
			return errNotDurable
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *cargo) durable() bool {
	select {
	case <-c.decided:
		return c.ok
	default:
		return false
	}
}

// show is the sending as a notice shows it.
func (i *item) show() *kapivara.DeliveryRow {
	d := &i.delivery
	return &kapivara.DeliveryRow{
		Bucket: d.Bucket, Number: d.Number, Stream: d.Stream, Cause: d.Cause, From: d.From, To: d.To,
		State: kapivara.Leased, Attempt: d.Attempt, LogPosition: i.due, Deadline: d.Deadline, Node: d.Node,
	}
}

func size(events []kapivara.Event) (n int) {
	for i := range events {
		n += 200 + len(events[i].Data) + len(events[i].Attributes)
	}
	return n
}
