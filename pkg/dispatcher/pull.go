package dispatcher

import (
	"slices"

	"kapivara/pkg/kapivara"
)

// pull is what one waiter is being given: deliveries that go out in one answer, with one cargo. Once that is taken it
// belongs to the shipper.
type pull struct {
	waiter     *waiter
	items      []*item
	left       int // items that are not read yet
	deliveries []kapivara.Delivery
	weight     int
}

// hand puts a sending into the answer to a waiter.
func (k *desk) hand(w *waiter, i *item) {
	if w.pull == nil {
		w.pull = &pull{waiter: w}
		k.given = append(k.given, w.pull)
	}
	i.pull = w.pull
	w.pull.items = append(w.pull.items, i)
	w.pull.left++
}

// full tells that the waiter gets as many as it wants.
func (w *waiter) full() bool { return w.pull != nil && len(w.pull.items) >= w.Batch }

// sendGiven puts the answers that were made up into the cargo of the plan: whatever is handed out is durable before. What
// had met nobody goes first: its numbers are lower.
func (k *desk) sendGiven(p *plan) {
	var lent []*item
	for _, pull := range k.given {
		for _, i := range pull.items {
			if i.again {
				lent = append(lent, i)
			}
		}
		p.cargo.pulls = append(p.cargo.pulls, pull)
		if c := k.names[pull.waiter.subscriber]; c != nil {
			c.waiters = slices.DeleteFunc(c.waiters, func(w *waiter) bool { return w.pull != nil })
		}
	}
	p.cargo.items = append(lent, p.cargo.items...)
	k.given = nil
}

// offer notes that a waiter of the client may be given something that nobody has.
func (k *desk) offer(c *client) {
	if len(c.waiters) > 0 && !c.offering {
		c.offering = true
		k.offers = append(k.offers, c)
	}
}
