package dispatcher

import (
	"context"

	"kapivara/pkg/kapivara"
)

// lookup is a delivery that is not in memory and was answered: hidden for long, parked, or settled.
type lookup struct {
	answers []*answer
	asked   int // grows when what was read is no longer true
	reading bool
	staged  bool // the turn being planned or written changes it
	known   bool
	found   *kapivara.Numbered // nil where there is none
}

// judge settles what was answered.
func (k *desk) judge(p *plan) {
	waiting := k.answers
	k.answers = nil
	unread := len(waiting) > 0 && k.unread()
	for i, a := range waiting {
		if len(p.changes) >= maxChanges {
			k.answers = append(k.answers, waiting[i:]...)
			return
		}
		if !k.judgeOne(p, a, unread) {
			k.answers = append(k.answers, a)
		}
	}
	for ref, found := range k.lookups {
		if found.known && len(p.changes) < maxChanges {
			k.judgeFound(p, ref, found)
		}
	}
}

// judgeOne judges an answer, or tells that it must wait: for its lane to be read, or for the turn that changes its delivery.
func (k *desk) judgeOne(p *plan, a *answer, unread bool) bool {
	l := k.lanes[a.token.Bucket]
	switch {
	case l == nil && unread:
		return false
	case l == nil:
		a.reply(kapivara.Settled{}, stale(a, ""))
		return true
	case l.client.Name != a.subscriber:
		a.reply(kapivara.Settled{}, errToken)
		return true
	case l.cold || l.again[a.token.Number] > 0:
		return false
	}
	if f := l.flights[a.token.Number]; f != nil {
		return !f.staged && k.settle(p, f, a)
	}
	found := k.lookups[a.ref()]
	if found == nil {
		found = &lookup{}
		k.lookups[a.ref()] = found
	}
	found.answers = append(found.answers, a)
	return true
}

// unread tells whether some lane is still to be read, so that a bucket may be there that is not known yet.
func (k *desk) unread() bool {
	if k.wants.roster || len(k.clients) == 0 && k.registry == 0 {
		return true
	}
	for _, l := range k.hungry {
		if l.cold && k.clients[l.client.No] == l.client {
			return true
		}
	}
	return false
}

// settle judges an answer to the flight by the rules of the core.
func (k *desk) settle(p *plan, f *flight, a *answer) bool {
	c, now := f.lane.client, k.clock.now()
	attempt := a.token.Attempt
	if a.token.Claim != 0 {
		attempt = -1 // nothing is claimed
	}
	next, changed, err := f.Lease.Settle(attempt, a.Answer, now, c.Policy())
	k.tell(c).Answered = true
	if changed {
		k.stage(p, f, next, now, a)
	}
	k.heard(f.lane)
	switch {
	case err != nil:
		k.tell(c).Extra++
		a.reply(kapivara.Settled{}, stale(a, f.lane.bucket.String()))
	case !changed:
		a.reply(f.Lease.Reply(a.Verdict), nil)
	}
	return true
}

// judgeFound judges the answers to a delivery that was looked up. After one that changes it, it is looked up anew.
func (k *desk) judgeFound(p *plan, ref kapivara.Ref, found *lookup) {
	l := k.lanes[ref.Bucket]
	if l != nil && !l.cold && found.found != nil && found.found.Lease.State == kapivara.Leased {
		k.load(l, found.found)
	}
	if l == nil || l.cold || l.flights[ref.Number] != nil {
		delete(k.lookups, ref)
		k.answers = append(k.answers, found.answers...)
		return
	}
	f := &flight{lane: l}
	if found.found != nil && found.found.Due.Subscriber == l.client.No {
		f.Numbered = *found.found
	}
	for len(found.answers) > 0 && !f.staged {
		a := found.answers[0]
		found.answers = found.answers[1:]
		k.settle(p, f, a)
	}
	if f.staged {
		found.known, found.staged = false, true
	} else {
		delete(k.lookups, ref)
	}
}

// readDeliveries looks up what was answered and is not in memory.
func (k *desk) readDeliveries(ctx context.Context) bool {
	var refs []kapivara.Ref
	asked := map[kapivara.Ref]int{}
	for ref, l := range k.lookups {
		if !l.known && !l.reading && !l.staged && len(refs) < readRefs {
			l.reading = true
			refs = append(refs, ref)
			asked[ref] = l.asked
		}
	}
	if len(refs) == 0 {
		return false
	}
	k.start(ctx, func(ctx context.Context) (func(), error) {
		found, err := k.store.Deliveries(ctx, refs)
		return func() {
			by := make(map[kapivara.Ref]*kapivara.Numbered, len(found))
			for i := range found {
				by[found[i].Ref] = &found[i]
			}
			for ref, n := range asked {
				if l := k.lookups[ref]; l != nil {
					l.reading = false
					l.known, l.found = l.asked == n, by[ref]
				}
			}
		}, err
	})
	return true
}

// outdated notes that a turn has changed the delivery: what was read of it before is no longer true.
func (k *desk) outdated(ref kapivara.Ref) {
	l := k.lookups[ref]
	if l == nil {
		return
	}
	if len(l.answers) == 0 {
		delete(k.lookups, ref)
		return
	}
	l.asked++
	l.known, l.staged = false, false
}

// stale refuses an answer whose attempt is over.
func stale(a *answer, bucket string) error {
	return &kapivara.Error{
		Code:    kapivara.StaleToken,
		Message: "the attempt is over or was answered otherwise; drop it, another attempt has the work",
		Facts:   kapivara.Facts{Subscriber: a.subscriber, Bucket: bucket},
	}
}
