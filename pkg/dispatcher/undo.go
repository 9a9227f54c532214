package dispatcher

import (
	"errors"
	"slices"

	"kapivara/pkg/kapivara"
)

// undo forgets a turn that was refused because the store has something else: its lanes are read anew, and its answers
// judged again.
func (k *desk) undo(p *plan) {
	p.cargo.decide(false)
	k.waitAgain(p.cargo)
	k.wants.roster = true // a layout may have changed
	for i, l := range p.lanes {
		l.step = nil
		if l.gen == p.gens[i] {
			k.chill(l)
		}
	}
	var again []*answer
	var passed []*client // while this was about to be leased, other lanes may have passed over what they read of the same streams
	for i := range p.changes {
		c := &p.changes[i]
		c.flight.staged = false
		k.outdated(c.flight.Ref)
		if c.verb == leases {
			k.refused(c.flight)
		}
		if c.answer != nil {
			again = append(again, c.answer)
		}
		if of := c.flight.lane.client; c.verb == leases && of.Grown && !slices.Contains(passed, of) {
			passed = append(passed, of)
		}
	}
	for _, c := range passed {
		k.readAnew(c, true)
	}
	k.answers = append(again, k.answers...)
	k.unclaimed(p)
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

// refused frees the stream of a lease that was not done. What waits of it may stand in another lane by now, and was held
// back there by this lease when it was read.
func (k *desk) refused(f *flight) {
	k.free(f.lane, f.Stream)
	k.freeReplay(f)
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
	for _, r := range p.reviews {
		refuseCalls(r.calls, refusal)
	}
}
