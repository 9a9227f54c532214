package dispatcher

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// mostTaken is the most duties that are taken at once.
const mostTaken = 1000

// share keeps the dispatcher at its share of the subscribers: every so often it looks who works for whom, takes what
// nobody has, and gives back what it has too many of, as soon as nothing of that is being written or sent.
func (k *desk) share(ctx context.Context) {
	if k.sharing || k.stopping {
		return
	}
	if k.give(ctx) || time.Since(k.shared) < k.cfg.TTL/5 {
		return
	}
	begun := time.Now()
	k.sharing, k.shared = true, begun
	k.beside(ctx, func(ctx context.Context) func() error {
		s, err := k.store.Survey(ctx, k.run, mostTaken)
		var taken []kapivara.Duty
		if err == nil {
			if take, _ := s.Balance(k.run); len(take) > 0 {
				taken, err = k.store.TakeDuties(context.WithoutCancel(ctx), k.run, take)
			}
		}
		return func() error {
			k.sharing = false
			if errors.Is(err, kapivara.ErrStaleTurn) { // two who took at once were in each other's way
				return nil
			}
			if err == nil {
				k.living.Store(&living{begun, s.Living})
				k.divide(s, taken)
			}
			return err
		}
	})
}

// divide takes in who works for whom.
func (k *desk) divide(s *kapivara.Survey, taken []kapivara.Duty) {
	duties := make(map[int32]int64, len(s.Mine)+len(taken))
	for _, d := range slices.Concat(s.Mine, taken) {
		duties[d.Subscriber] = d.Epoch
		if k.duties[d.Subscriber] != d.Epoch {
			k.wants.roster = true
		}
	}
	for no, c := range k.clients {
		if duties[no] != c.epoch {
			k.dismiss(c)
		}
	}
	if !k.surveyed {
		k.wants.roster = true
	}
	k.duties, k.surveyed, k.lost = duties, true, false
	if len(taken) == mostTaken {
		k.shared = time.Time{} // there may be more
	}
	if _, surplus := s.Balance(k.run); surplus > 0 {
		k.release(surplus)
	}
}

// release chooses so many duties to be given back: first those with the least on its way.
func (k *desk) release(surplus int) {
	stay := make([]*client, 0, len(k.clients))
	for _, c := range k.clients {
		if c.leaving {
			surplus--
		} else {
			stay = append(stay, c)
		}
	}
	for no := range k.duties {
		if k.clients[no] == nil && surplus > 0 {
			k.gone = append(k.gone, no)
			delete(k.duties, no)
			surplus--
		}
	}
	slices.SortFunc(stay, func(a, b *client) int {
		return cmp.Or(cmp.Compare(a.inFlight(), b.inFlight()), cmp.Compare(b.No, a.No))
	})
	for _, c := range stay[:max(min(surplus, len(stay)), 0)] {
		c.leaving = true
	}
}

func (c *client) inFlight() (n int) {
	for _, l := range c.lanes {
		n += len(l.flights)
	}
	return n
}

// give gives back the duties of clients that leave and are quiet. It tells whether it does.
func (k *desk) give(ctx context.Context) bool {
	for no, c := range k.clients {
		if c.leaving {
			k.sendAway(c, kapivara.ErrOffDuty)
		}
		if c.leaving && k.quiet(c) {
			k.dismiss(c)
			delete(k.duties, no)
			k.gone = append(k.gone, no)
		}
	}
	if len(k.gone) == 0 {
		return false
	}
	gone := k.gone
	k.gone, k.sharing = nil, true
	k.log.Debug("subscribers are left to another dispatcher", "subscribers", len(gone), "run", k.run)
	k.beside(ctx, func(ctx context.Context) func() error {
		err := k.store.GiveDuties(ctx, k.run, gone)
		return func() error {
			k.sharing = false
			return err
		}
	})
	return true
}

// quiet tells that nothing of the client is being written or sent.
func (k *desk) quiet(c *client) bool {
	if c.hasNews || k.ops.writing == c || k.planned != nil && slices.Contains(k.planned.holds, c) {
		return false
	}
	for _, l := range c.lanes {
		if l.opened {
			return false
		}
	}
	for _, cargo := range append(k.shipper.out[:len(k.shipper.out):len(k.shipper.out)], k.resends) {
		for _, i := range cargo.items {
			if i.lane.client == c {
				return false
			}
		}
	}
	return true
}

// hold is the right to write for the clients.
func (k *desk) hold(clients ...*client) kapivara.Hold {
	h := kapivara.Hold{Dispatcher: k.run}
	for _, c := range clients {
		h.Duties = append(h.Duties, kapivara.Duty{Subscriber: c.No, Epoch: c.epoch})
	}
	return h
}
