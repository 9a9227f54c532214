package dispatcher

import "kapivara/pkg/kapivara"

// judge settles what was answered.
func (k *desk) judge(p *plan) {
	for ref, found := range k.lookups {
		if found.known && len(p.changes) < maxChanges {
			k.judgeFound(p, ref, found)
		}
	}
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
}

// judgeOne judges an answer, or tells that it must wait: for its lane to be read, or for the turn that changes its delivery.
func (k *desk) judgeOne(p *plan, a *answer, unread bool) bool {
	c, l := k.names[a.subscriber], k.lanes[a.token.Bucket]
	switch {
	case c == nil && (k.wants.roster || k.enrolling):
		return false
	case c == nil || c.leaving && !a.pushed:
		k.foreign(a)
		return true
	case c.leaving:
		return false
	case l == nil && unread:
		return false
	case l == nil:
		a.reply(kapivara.Settled{}, stale(a, ""))
		return true
	case l.client != c:
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
	k.asking++
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
	attempt, claimed := a.token.Attempt, a.token.Claim == f.lane.row.Claim.Epoch
	if !claimed && f.Lease.State != kapivara.Committed {
		attempt = -1 // the bucket has gone to another node since (I-16)
	}
	next, changed, err := f.Lease.Settle(attempt, a.Answer, now, c.Policy())
	k.tell(c).Answered = true
	if changed {
		k.stage(p, f, next, now, a)
	}
	if claimed && (f.pushed || !f.lent && c.pulled.IsZero()) { // an answer to a pull tells nothing of who listens
		k.heard(f.lane)
	}
	switch {
	case err != nil:
		if !a.kept { // else the dispatcher that had the duty has counted it
			k.tell(c).Extra++
		}
		a.reply(kapivara.Settled{}, stale(a, f.lane.bucket.String()))
	case !changed:
		a.reply(f.Lease.Reply(a.Verdict), nil)
	}
	return true
}

// stale refuses an answer whose attempt is over.
func stale(a *answer, bucket string) error {
	return &kapivara.Error{
		Code:    kapivara.StaleToken,
		Message: "the attempt is over or was answered otherwise; drop it, another attempt has the work",
		Facts:   kapivara.Facts{Subscriber: a.subscriber, Bucket: bucket},
	}
}
