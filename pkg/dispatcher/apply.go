package dispatcher

import (
	"errors"
	"time"

	"kapivara/pkg/kapivara"
)

// apply takes in a turn that is durable: it moves the lanes on, lets what was leased be sent, and then confirms what was
// answered.
func (k *desk) apply(p *plan, now time.Time) {
	for i, l := range p.lanes {
		l.step = nil
		if l.gen != p.gens[i] {
			continue // forgotten meanwhile
		}
		b := &p.Buckets[i]
		l.row.Version, l.row.Sent, l.row.Floor = b.Version+1, b.Sent, b.Floor
	}
	for i, c := range p.clients {
		n := &p.Presences[i]
		if n.Answered {
			c.lastAnswer, c.silent = now, false
		} else {
			c.silent = c.silent || !n.SilentSince.IsZero()
		}
	}
	for i := range p.changes {
		k.change(&p.changes[i], now)
	}
	p.cargo.decide(true)
	for i := range p.changes {
		if c := &p.changes[i]; c.verb == settles {
			k.sender.Notify(c.flight.lane.client.Name, c.flight.show(now))
			if c.answer != nil {
				c.answer.reply(c.next.Reply(c.answer.Verdict), nil)
			}
		}
	}
	for _, l := range p.lanes {
		k.touch(l)
		k.feed(l)
	}
}

// change moves one delivery on. The turn's time replaces the estimate on which it was decided.
func (k *desk) change(c *change, now time.Time) {
	f, l := c.flight, c.flight.lane
	was := f.Lease.State
	if !c.next.Until.IsZero() {
		c.next.Until = now.Add(c.after)
	}
	f.staged = false
	f.Lease = c.next
	k.outdated(f.Ref)
	if l.gen != c.gen {
		return // forgotten meanwhile
	}
	switch c.verb {
	case leases:
		f.Lease.Sent = now
		l.flights[f.Number] = f
		l.leased++
		return
	case retries:
		f.Lease.Sent, f.out, f.Retried = now, time.Time{}, true
		l.leased++
		return
	case settles:
	}
	f.Retried = true
	if was == kapivara.Leased && f.Lease.State != kapivara.Leased {
		l.leased--
	}
	switch f.Lease.State {
	case kapivara.Leased:
		if f.out.IsZero() {
			f.out = now // it was answered, so it has arrived
		}
		k.byStore.set(alarm{at: f.Lease.Until, lane: l, flight: f})
	case kapivara.Hidden:
		if l.flights[f.Number] == nil {
			l.add(f)
		}
		l.unhide(f)
		k.conceal(l, f)
	default:
		l.drop(f)
	}
}

// show is the delivery as a notice of the turn at now shows it.
func (f *flight) show(now time.Time) *kapivara.DeliveryRow {
	row := &kapivara.DeliveryRow{
		Bucket: f.lane.bucket, Number: f.Number, Stream: f.Name, Cause: f.Cause, From: f.From, To: f.To,
		State: f.Lease.State, Attempt: f.Lease.Attempt, LogPosition: f.LogPosition, Reason: f.Lease.Reason,
	}
	switch f.Lease.State {
	case kapivara.Leased:
		row.Deadline = f.Lease.Until
	case kapivara.Hidden:
		row.Until = f.Lease.Until
	case kapivara.Committed:
		row.Committed = now
	default:
	}
	return row
}

// undo forgets a turn that was refused because the store has something else: its lanes are read anew, and its answers
// judged again.
func (k *desk) undo(p *plan) {
	p.cargo.decide(false)
	for i, l := range p.lanes {
		l.step = nil
		if l.gen == p.gens[i] {
			k.chill(l)
		}
	}
	var again []*answer
	for i := range p.changes {
		c := &p.changes[i]
		c.flight.staged = false
		k.outdated(c.flight.Ref)
		if c.answer != nil {
			again = append(again, c.answer)
		}
	}
	k.answers = append(again, k.answers...)
	for i, c := range p.clients {
		news, old := k.tell(c), p.Presences[i]
		news.Answered = news.Answered || old.Answered
		news.Extra += old.Extra
		if news.Listening == nil {
			news.Listening = old.Listening
		}
		if news.SilentSince.IsZero() {
			news.SilentSince = old.SilentSince
		}
	}
}

// fail gives up on a turn whose outcome may be unknown. Only what the store then has will tell.
func (k *desk) fail(p *plan, err error) {
	p.cargo.decide(false)
	refusal := kapivara.Refuse(kapivara.OutcomeUnknown,
		"the connection to the store was lost while the answer was being stored; send it again")
	var known *kapivara.Error
	if errors.Is(err, kapivara.ErrOffDuty) || errors.As(err, &known) && known.Code == kapivara.Unavailable {
		refusal = kapivara.Refuse(kapivara.Unavailable, "the answer was not stored; send it again")
	}
	for i := range p.changes {
		a := p.changes[i].answer
		switch {
		case a == nil:
		case a.done == nil:
			k.answers = append(k.answers, a)
		default:
			a.reply(kapivara.Settled{}, refusal)
		}
	}
}
