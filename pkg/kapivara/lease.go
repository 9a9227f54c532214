package kapivara

import (
	"fmt"
	"time"
)

// Lease is where a numbered delivery stands. The zero value is one that was never sent. Its methods give the next state
// and change nothing; docs/deliveries.md draws them.
type Lease struct {
	State   State
	Attempt int       // the last attempt, 1 for the first
	Counted int       // attempts that count towards max_attempts
	Sent    time.Time // when the last attempt was leased
	Until   time.Time // leased: the deadline; hidden: not before; pending: since when
	// Answer settled the last attempt: Nak, Term or TakenAway, "" while nothing has. An Ack shows as Committed.
	Answer Verdict
	// Missed tells that the last attempt has no answer and counts all the same.
	Missed bool
	// Pulled tells of a leased one that a pull has it, or is being given it: nobody else gets the attempt.
	Pulled bool
	Reason string // of a nak, a term or the parking
}

// TakenAway stands for the answer to an attempt whose delivery an operator has taken away: no answer is the same, so all
// are stale.
const TakenAway Verdict = "taken away"

// Policy is what a subscriber's settings say of its attempts.
type Policy struct {
	AckWait     time.Duration
	MaxAttempts int // 0 = without limit
	Backoff     []time.Duration
}

// Policy is the subscriber's.
func (s *Subscriber) Policy() Policy {
	return Policy{AckWait: s.AckWait, MaxAttempts: s.MaxAttempts, Backoff: s.Backoff}
}

// MaxDelay is the longest time for which an answer hides a delivery; a longer one is taken as this.
const MaxDelay = 100 * 365 * 24 * time.Hour

// After is how long a delivery is hidden after the attempt that has failed.
func (p Policy) After(attempt int) time.Duration {
	if len(p.Backoff) == 0 {
		return time.Second
	}
	return p.Backoff[min(max(attempt, 1), len(p.Backoff))-1]
}

// Open tells whether the delivery is still to be sent, or is out: pending, leased or hidden.
func (l *Lease) Open() bool { return l.State == Pending || l.State == Leased || l.State == Hidden }

// Begin is the lease of the next attempt. It makes the tokens of the earlier ones stale.
func (l Lease) Begin(now time.Time, p Policy) Lease {
	return Lease{State: Leased, Attempt: l.Attempt + 1, Counted: l.Counted, Sent: now, Until: now.Add(p.AckWait)}
}

// Lend is a leased delivery that goes to a pull in the attempt that it has: nobody has had it yet. Its deadline begins anew.
func (l Lease) Lend(now time.Time, p Policy) Lease {
	l.Sent, l.Until, l.Pulled = now, now.Add(p.AckWait), true
	return l
}

// TakeBack is a leased delivery that no pull has after all: nobody has it.
func (l Lease) TakeBack() Lease {
	l.Pulled = false
	return l
}

// Void is a leased delivery after its bucket went to another node: pending, for its next attempt. The attempt does not
// count: nobody has failed.
func (l Lease) Void() Lease {
	return Lease{State: Pending, Attempt: l.Attempt, Counted: l.Counted, Sent: l.Sent}
}

// Abandon is a leased delivery after the node that had claimed its bucket has died: pending, for its next attempt, or
// parked after max_attempts. The attempt counts as a silent one does, so that a delivery that kills its nodes ends.
func (l Lease) Abandon(answered bool, p Policy) Lease {
	next := l.Void()
	if answered && !l.Missed {
		next.Counted++
	}
	if p.exhausted(next.Counted) {
		return next.park(fmt.Sprintf("its node was gone before it answered, %s", attempts(next.Counted)))
	}
	return next
}

// Silent is what becomes of a leased delivery whose deadline has passed without an answer: hidden by the backoff, or
// parked after max_attempts. The attempt counts only where the subscriber has answered some delivery since it was sent;
// one that never answers is an onlooker, and must not park anything.
func (l Lease) Silent(now time.Time, answered bool, p Policy) Lease {
	if l.State != Leased {
		return l
	}
	if answered && !l.Missed {
		l.Missed = true
		l.Counted++
	}
	if l.Missed && p.exhausted(l.Counted) { // one more than that may be due to an operator's retry
		return l.park(fmt.Sprintf("no answer in time, %s", attempts(l.Counted)))
	}
	return l.hide(now.Add(p.After(l.Attempt)))
}

// Settle is what an answer to the attempt does. changed is false where the answer was given before: it gets the same
// reply again. The error is StaleToken where the attempt is over or was answered otherwise; then nothing changes.
func (l Lease) Settle(attempt int, a Answer, now time.Time, p Policy) (next Lease, changed bool, err error) {
	switch {
	case attempt != l.Attempt || l.State == Discarded || l.Attempt == 0:
		return l, false, errStale
	case l.State == Committed:
		if a.Verdict != Ack {
			return l, false, errStale
		}
		return l, false, nil
	case l.Answer != "":
		if a.Verdict != l.Answer {
			return l, false, errStale
		}
		return l, false, nil
	}
	return l.settle(a, now, p)
}

// settle takes the first answer of the attempt, in time or late.
func (l Lease) settle(a Answer, now time.Time, p Policy) (Lease, bool, error) {
	switch a.Verdict {
	case Ack:
		l.State, l.Until, l.Pulled, l.Reason = Committed, time.Time{}, false, ""
	case Term:
		l.Answer = Term
		l = l.park(a.Reason)
	case Nak:
		l = l.nak(a, now, p)
	case Progress:
		return l.extend(now.Add(p.AckWait))
	default:
		return l, false, errStale
	}
	return l, true, nil
}

func (l Lease) nak(a Answer, now time.Time, p Policy) Lease {
	if !l.Missed {
		l.Counted++
	}
	l.Answer, l.Missed = Nak, false
	switch {
	case l.State == Parked:
		return l.park(a.Reason) // for its silence, and the nak comes late
	case p.exhausted(l.Counted):
		if a.Reason == "" {
			a.Reason = "refused, " + attempts(l.Counted)
		}
		return l.park(a.Reason)
	}
	l.Reason = a.Reason
	delay := min(a.Delay, MaxDelay)
	if delay < 0 {
		delay = p.After(l.Attempt)
	}
	return l.hide(now.Add(delay))
}

// extend moves the deadline on. A delivery whose deadline has passed stays hidden, so that its bucket keeps its place
// for others, and is not sent again before the new deadline. One that is parked for its silence is beyond that.
func (l Lease) extend(deadline time.Time) (Lease, bool, error) {
	if l.State == Parked {
		return l, false, errStale
	}
	if l.State == Pending {
		l.State = Hidden
	}
	if l.State == Leased || deadline.After(l.Until) {
		l.Until = deadline
	}
	return l, true, nil
}

func (l Lease) hide(until time.Time) Lease {
	l.State, l.Until, l.Pulled = Hidden, until, false
	return l
}

func (l Lease) park(reason string) Lease {
	l.State, l.Until, l.Pulled, l.Reason = Parked, time.Time{}, false, clipReason(reason)
	return l
}

func (p Policy) exhausted(counted int) bool { return p.MaxAttempts > 0 && counted >= p.MaxAttempts }

func attempts(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}

// Reply is how the answer that has led to this state is confirmed.
func (l *Lease) Reply(v Verdict) Settled {
	if v == Progress {
		return Settled{State: Leased, Deadline: l.Until}
	}
	switch l.State {
	case Committed, Parked:
		return Settled{State: l.State}
	default: // a nak whose delivery has become due again meanwhile included
		return Settled{State: Hidden, Until: l.Until}
	}
}

// errStale has no facts yet; the dispatcher that knows the bucket adds them.
var errStale = Refuse(StaleToken, "the attempt is over or was answered otherwise; drop it, another attempt has the work")

const maxReason = 200 // bytes

func clipReason(s string) string {
	if len(s) <= maxReason {
		return s
	}
	cut := maxReason
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut]
}
