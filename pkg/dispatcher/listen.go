package dispatcher

import (
	"cmp"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

const (
	firstProbe = 50 * time.Millisecond
	lastProbe  = time.Second
	// deafAfter is how long nobody must have been heard of before a subscriber counts as not listening, so that one
	// whose node takes some of its buckets does not change all the time.
	deafAfter = 5 * time.Second
)

// missed takes in that a sending met nobody. It was no attempt: the delivery keeps its place, and is sent again.
func (k *desk) missed(token kapivara.Token) {
	l := k.lanes[token.Bucket]
	if l == nil && k.unread() || l != nil && l.cold {
		if len(k.early) < k.cfg.Inbox {
			k.early = append(k.early, token)
		}
		return
	}
	if l == nil || token.Claim != l.row.Claim.Epoch {
		return
	}
	f := l.flights[token.Number]
	if f == nil || f.staged || f.lent || f.Lease.State != kapivara.Leased || f.Lease.Attempt != token.Attempt {
		return
	}
	if l.row.Claim.Owner != "" {
		k.lose(f)
		return
	}
	k.unhear(f, firstProbe, firstProbe)
}

// unhear keeps the flight until somebody listens; the first of its lane is tried again after first, and then after wait
// and ever longer.
func (k *desk) unhear(f *flight, first, wait time.Duration) {
	k.lay(f, first, wait)
	c := f.lane.client
	if time.Since(c.lastHeard) > deafAfter && (c.listening == nil || *c.listening) {
		k.hears(c, false)
	}
}

// lay is unhear where it says nothing of who listens.
func (k *desk) lay(f *flight, first, wait time.Duration) {
	l := f.lane
	l.tell(f)
	k.offer(l.client)
	switch {
	case f.unheard && l.probe == f: // the first probe of what has waited for its bucket to go elsewhere has no wait yet
		l.probe, l.wait = nil, min(max(2*l.wait, firstProbe), lastProbe)
		k.probeAfter(l, l.wait)
	case !f.unheard:
		alone := len(l.unheard) == 0
		f.unheard = true
		l.unheard[f.Number] = f
		if alone {
			l.wait = wait
			k.probeAfter(l, first)
		}
	}
}

// tell notes that it is known what has become of the flight's sending.
func (l *lane) tell(f *flight) {
	if l.trial == f {
		l.trial = nil
	}
}

func (k *desk) probeAfter(l *lane, wait time.Duration) {
	l.probeAt = time.Now().Add(wait)
	k.byLocal.set(alarm{at: l.probeAt, lane: l})
}

// hears notes whether anybody listens.
func (k *desk) hears(c *client, listening bool) {
	c.listening = &listening
	k.tell(c).Listening = &listening
	if listening {
		for _, l := range c.lanes {
			l.trial = nil
			k.touch(l)
		}
	}
}

// tryAgain sends a probe whose time has come. Who stops looks for nobody any more: with many lanes it would never end.
func (k *desk) tryAgain(a alarm) {
	if l := a.lane; l.probe == nil && a.at.Equal(l.probeAt) && !k.stopping && !k.ended {
		k.sendProbe(l)
	}
}

// sendProbe sends the lowest of what nobody has, unless the bucket is about to go to a node.
func (k *desk) sendProbe(l *lane) {
	if l.moving() {
		l.held = true
		return
	}
	if rest := l.pulled(); rest > 0 {
		k.probeAfter(l, rest)
		return
	}
	for _, f := range l.unheard {
		if !f.staged && (l.probe == nil || f.Number < l.probe.Number) {
			l.probe = f
		}
	}
	if l.probe != nil && !l.client.leaving {
		k.resend(l.probe).keep = true
	}
}

// heard takes in that somebody listens to the lane: what waited for that goes out at once.
func (k *desk) heard(l *lane) {
	c := l.client
	c.lastHeard = time.Now()
	l.trial = nil
	if !c.hears() {
		k.hears(c, true)
	}
	if len(l.unheard) == 0 {
		return
	}
	waiting := make([]*flight, 0, len(l.unheard))
	for _, f := range l.unheard {
		f.unheard, f.events = false, nil
		waiting = append(waiting, f)
	}
	slices.SortFunc(waiting, func(a, b *flight) int { return cmp.Compare(a.Number, b.Number) })
	probe := l.probe
	clear(l.unheard)
	l.probe, l.wait = nil, 0
	for _, f := range waiting {
		switch {
		case l.moving() && f != probe:
			f.unheard, l.unheard[f.Number], l.held = true, f, true
		case f.staged:
		case f == probe && !f.out.IsZero():
			k.await(f, f.out, c.AckWait)
		default:
			f.out = time.Time{}
			k.resend(f)
		}
	}
	k.touch(l)
}
