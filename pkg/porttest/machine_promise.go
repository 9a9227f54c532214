package porttest

import (
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

// Send holds every sending against the promises.
func (l *machineLink) Send(d *kapivara.Delivery) error {
	if l.isCut() {
		return nil
	}
	w := l.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.given(d)
	w.sendsOften(d)
	delete(w.owners.nobodys, d.Token)
	switch {
	case w.deaf || w.owners.away[d.Node]:
		w.owners.nobodys[d.Token] = true
		token := d.Token
		time.AfterFunc(machineHop, func() { l.d.NoResponders(token) })
	case w.healed:
		l.d.Settle(d.Subscriber, d.Token, machineAck(), nil)
	}
	return nil
}

// given holds what is sent or handed out against the promises.
func (w *machine) given(d *kapivara.Delivery) {
	w.sent = append(w.sent, *d)
	at := placeOf(d)
	all := w.store.All()
	w.stretch(d, all)
	if w.pulled[d.Token] {
		w.fault(d, "was handed out to a pull before, as the same attempt")
	}
	if b := ruleOf(d); b != d.Bucket {
		w.fault(d, "belongs into bucket %s", b)
	}
	if attempt, ok := w.committed[at]; ok {
		w.fault(d, "was confirmed as committed at attempt %d", attempt)
	}
	if t, ok := w.taken[at]; ok && d.Attempt <= t.attempt && time.Now().After(t.at) {
		w.fault(d, "was taken away at attempt %d and is %s", t.attempt, t.state)
	} else if ok && t.state != kapivara.Hidden && time.Now().After(t.at) {
		w.fault(d, "is %s", t.state)
	}
	if until := w.notBefore[at]; time.Now().Before(until) && !w.taken[at].at.Equal(time.Now()) {
		w.fault(d, "is hidden for %v yet", time.Until(until))
	}
	if d.Attempt < w.attempts[at] {
		w.fault(d, "comes after attempt %d", w.attempts[at])
	}
	w.attempts[at] = max(w.attempts[at], d.Attempt)
	w.durable(d, all)
	w.addressed(d)
}

// stretch holds what a delivery consists of against what is stored: exactly its positions, none beyond the first hole,
// the same at each attempt.
func (w *machine) stretch(d *kapivara.Delivery, all []kapivara.Numbered) {
	s := w.streams[d.Stream]
	for i := range d.Events {
		if d.Events[i].Position != d.From+i || d.Events[i].Stream != d.Stream {
			w.fault(d, "has event %d at place %d", d.Events[i].Position, i)
		}
	}
	if len(d.Events) != d.To-d.From+1 || d.To > s.head.Contiguous || d.To > d.Version || d.Complete && d.Finish != s.final {
		w.fault(d, "has %d events, version %d, finish %d; %d are there without a hole", len(d.Events), d.Version, d.Finish, s.head.Contiguous)
	}
	first, again := w.seen[placeOf(d)]
	switch {
	case !again:
		w.seen[placeOf(d)] = *d
		w.first(s, d, all)
	case first.From != d.From || first.To != d.To || first.Stream != d.Stream || first.Cause != d.Cause:
		w.fault(d, "was %s %d to %d at attempt %d", first.Cause, first.From, first.To, first.Attempt)
	}
}

// first holds the first sending of a delivery against those that were leased: a sending of a dispatcher that is cut off is
// lost, and the delivery may be parked unseen.
func (w *machine) first(s *machineStream, d *kapivara.Delivery, all []kapivara.Numbered) {
	before, wholes := 0, 0
	for i := range all {
		switch n := &all[i]; {
		case n.Name != d.Stream:
		case n.Cause == kapivara.CauseComplete:
			wholes++
		case n.Cause == kapivara.CauseAppended && n.From < d.From:
			before = max(before, n.To)
		}
	}
	switch d.Cause {
	case kapivara.CauseAppended:
		if d.From != before+1 || s.due == 0 {
			w.fault(d, "begins at %d, the growth before has ended at %d; due is %d", d.From, before, s.due)
		}
	case kapivara.CauseComplete:
		if d.From != 1 || d.To != s.final || !s.whole || wholes != 1 || !d.Complete {
			w.fault(d, "is not the whole stream, or is one of %d", wholes)
		}
	default:
		if d.From != 1 || d.To < 1 || d.Complete && d.To != s.final {
			w.fault(d, "is not the whole stream")
		}
	}
}

// durable makes sure that the lease stands in the store, and that no more are leased than may be.
func (w *machine) durable(d *kapivara.Delivery, all []kapivara.Numbered) {
	leased, found := 0, false
	for i := range all {
		n := &all[i]
		if n.Due.Bucket != d.Bucket {
			continue
		}
		if n.Lease.State == kapivara.Leased {
			leased++
		}
		found = found || n.Number == d.Number && n.Name == d.Stream && n.Lease.Attempt >= d.Attempt
	}
	if !found {
		w.fault(d, "is sent without a lease in the store")
	}
	if leased > w.subscriber.MaxInFlight {
		w.fault(d, "is one of %d leased of its bucket", leased)
	}
}

func (w *machine) fault(d *kapivara.Delivery, format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf("%s/%d attempt %d of %s, %s %d to %d: ",
		d.Bucket, d.Number, d.Attempt, d.Stream, d.Cause, d.From, d.To)+fmt.Sprintf(format, args...))
}

// check holds what is stored against the promises.
func (w *machine) check(r *rapid.T) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		w.errorf("%s", f)
	}
	w.grown(r)
	last, unsettled := map[kapivara.Bucket]int64{}, map[kapivara.Stream][]string{}
	for _, n := range w.store.All() {
		if n.Number != last[n.Due.Bucket]+1 {
			w.errorf("bucket %s has number %d after %d", n.Due.Bucket, n.Number, last[n.Due.Bucket])
		}
		last[n.Due.Bucket] = n.Number
		if !settled(&n) {
			unsettled[n.Name] = append(unsettled[n.Name], fmt.Sprintf("%s/%d of %d, %s %d to %d: %s at attempt %d",
				n.Due.Bucket, n.Number, n.LogPosition, n.Cause, n.From, n.To, n.Lease.State, n.Lease.Attempt))
		}
		w.checkOne(r, &n)
	}
	for name, some := range unsettled {
		if len(some) > 1 {
			w.errorf("%s has several unsettled deliveries: %s", name, strings.Join(some, "; "))
		}
	}
	if r.Failed() {
		r.FailNow()
	}
}

func (w *machine) checkOne(r *rapid.T, n *kapivara.Numbered) {
	if most := w.subscriber.MaxAttempts; most > 0 && n.Lease.Counted > most+w.retries || n.Lease.State == kapivara.Parked && n.Lease.Reason == "" {
		w.errorf("number %d of bucket %s is %s for %q after %d counted attempts", n.Number, n.Due.Bucket, n.Lease.State, n.Lease.Reason, n.Lease.Counted)
	}
	if attempt, ok := w.committed[place{n.Due.Bucket, n.Number}]; ok && (n.Lease.State != kapivara.Committed || n.Lease.Attempt != attempt) {
		w.errorf("number %d of bucket %s was confirmed as committed and is %s", n.Number, n.Due.Bucket, n.Lease.State)
	}
}

func settled(n *kapivara.Numbered) bool {
	return n.Lease.State == kapivara.Committed || n.Lease.State == kapivara.Discarded
}
