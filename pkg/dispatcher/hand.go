package dispatcher

import (
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// hand puts a delivery into the answer of its pull, which goes out with the last one.
func (s *shipper) hand(i *item) {
	p := i.pull
	if i.recalled.Load() {
		p.items = slices.DeleteFunc(p.items, func(o *item) bool { return o == i })
		if p.left--; p.left == 0 {
			s.answer(p)
		}
		return
	}
	d := i.delivery
	if weight := size(i.events); p.weight+weight <= s.limit {
		d.Events = i.events
		p.weight += weight
	} // else by reference: the answer has no room for it
	p.deliveries = append(p.deliveries, d)
	if p.left--; p.left == 0 {
		s.answer(p)
	}
	if size(i.events) > keptBytes {
		i.events = nil
	}
}

// answer answers a pull with what was read for it. Where its client must be gone nobody gets it.
func (s *shipper) answer(p *pull) {
	p.recall()
	deliveries := p.deliveries
	p.deliveries = nil
	switch {
	case !s.held() || time.Since(p.waiter.last) > tooLate:
		p.waiter.answer(nil, nil)
		return
	case len(p.items) == 0:
		p.waiter.answer(nil, nil)
		return
	case len(deliveries) == 0:
		p.waiter.answer(nil, kapivara.Refuse(kapivara.Unavailable, "the deliveries could not be read; send it again"))
		return
	}
	now := s.clock.now()
	for n := range deliveries {
		deliveries[n].Deadline = now.Add(deliveries[n].AckWait)
	}
	if !p.waiter.answer(deliveries, nil) {
		return
	}
	for n, i := range p.items[:len(deliveries)] {
		i.sent = true
		i.delivery.Deadline = deliveries[n].Deadline
		s.sender.Notify(i.delivery.Subscriber, i.show())
	}
}

// recall takes out what an operator has taken away since it was put in.
func (p *pull) recall() {
	for n := len(p.deliveries) - 1; n >= 0; n-- {
		if p.items[n].recalled.Load() {
			p.items, p.deliveries = slices.Delete(p.items, n, n+1), slices.Delete(p.deliveries, n, n+1)
		}
	}
}

// answerRest answers the pulls of a cargo of which not all could be read.
func (s *shipper) answerRest(c *cargo) {
	for _, p := range c.pulls {
		if p.left > 0 {
			p.left = 0
			s.answer(p)
		}
	}
}
