package dispatcher

import "kapivara/pkg/kapivara"

// sending is one sending of a flight's attempt.
type sending struct {
	flight *flight
	sends  int // of the flight when it went out
}

// echo comes back behind every word of sendings that met nobody: what was not said by then is not said any more.
type echo struct {
	desk    *desk
	sent    []sending
	certain bool // no word was lost
}

// ask asks for the echo of sendings of the cargo of which it is not known whether anybody listens. That nobody does comes
// before the echo, however busy the machine is; so nothing needs to be waited for that may come late.
func (k *desk) ask(c *cargo, sent []sending) {
	if len(sent) == 0 {
		return
	}
	b := k.inbox
	k.sender.Echo(c.line, func(certain bool) {
		b.put(func() { b.echoes = append(b.echoes, echo{k, sent, certain && b.dropped.Load() == c.dropped}) })
	})
}

// echoed takes in that nobody has said of the sendings that they met nobody: somebody has them. Where that word may have
// been lost they are sent again, as the same attempt.
func (k *desk) echoed(e echo) {
	if e.desk != k {
		return
	}
	for _, s := range e.sent {
		f := s.flight
		l := f.lane
		if l.flights[f.Number] != f || f.sends != s.sends || f.unheard && l.probe != f {
			continue
		}
		switch {
		case e.certain:
			k.heard(l)
		case f.Lease.State == kapivara.Leased && !f.staged && !f.out.IsZero():
			f.doubt = true
			k.lay(f, firstProbe, firstProbe)
		}
	}
}
