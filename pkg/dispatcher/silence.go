package dispatcher

import (
	"time"

	"kapivara/pkg/kapivara"
)

// silence settles the leased deliveries whose deadline has passed.
func (k *desk) silence(p *plan) {
	now := k.clock.now()
	late := k.late
	k.late = nil
	for i, f := range late {
		if len(p.changes) >= maxChanges {
			k.late = late[i:]
			return
		}
		l := f.lane
		if l.client.leaving || l.flights[f.Number] != f || f.staged || f.unheard || f.out.IsZero() || f.Lease.State != kapivara.Leased {
			continue
		}
		if f.Lease.Until.After(now) {
			k.byStore.set(alarm{at: f.Lease.Until, lane: l, flight: f})
			continue
		}
		c := l.client
		answered := c.news.Answered || c.lastAnswer.After(f.out)
		k.stage(p, f, f.Lease.Silent(now, answered, c.Policy()), now, nil)
		if !c.silent && c.news.SilentSince.IsZero() {
			k.tell(c).SilentSince = f.out
		}
	}
}

// postpone writes down the deadlines of what was sent long after its lease: another dispatcher would take it for silent
// too early, begin its next attempt, and make the honest answer to this one stale.
func (k *desk) postpone(p *plan) {
	now := k.clock.now()
	for i, f := range k.postponed {
		if len(p.changes) >= maxChanges {
			k.postponed = k.postponed[i:]
			return
		}
		l := f.lane
		if l.client.leaving || l.cold || l.flights[f.Number] != f || f.staged || f.unheard || f.out.IsZero() || f.Lease.State != kapivara.Leased {
			continue
		}
		next := f.Lease
		next.Sent = f.out
		k.stage(p, f, next, now, nil)
	}
	k.postponed = nil
}

// maxFloor is how far a bucket's floor may be behind what was sent.
const maxFloor = 1000

// detour takes first leases that last far longer than those after them from the plain road, as if they had made progress,
// so that the floor moves on: whoever reads a bucket reads all that is above it.
func (k *desk) detour(p *plan) {
	now := k.clock.now()
	for _, l := range p.lanes {
		if l.step.sent-l.row.Floor <= maxFloor {
			continue
		}
		for _, f := range l.flights {
			if !f.Retried && !f.staged && !f.out.IsZero() && l.step.sent-f.Number >= maxFloor {
				k.stage(p, f, f.Lease, now, nil)
			}
		}
	}
}

// stage puts a settlement into the turn.
func (k *desk) stage(p *plan, f *flight, next kapivara.Lease, now time.Time, a *answer) {
	l := f.lane
	s := p.stepOf(l)
	f.staged = true
	if f.Lease.State == kapivara.Leased && next.State != kapivara.Leased {
		s.leased--
	}
	c := change{flight: f, next: next, answer: a, gen: l.gen}
	if !next.Until.IsZero() {
		c.after = next.Until.Sub(now)
	}
	if next.State == kapivara.Committed {
		s.committed = f.Number
		p.Commits = append(p.Commits, kapivara.Commit{Ref: f.Ref, Attempt: next.Attempt, Retried: f.Retried})
	} else {
		p.Settlements = append(p.Settlements, kapivara.Settlement{Ref: f.Ref, Lease: next, After: c.after})
	}
	p.changes = append(p.changes, c)
	k.touch(l)
}
