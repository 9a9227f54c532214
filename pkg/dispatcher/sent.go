package dispatcher

import (
	"time"

	"kapivara/pkg/kapivara"
)

// item is the next sending of the flight's attempt.
func (k *desk) item(f *flight, attempt int) *item {
	l := f.lane
	token := kapivara.Token{Bucket: l.row.No, Number: f.Number, Attempt: attempt, Claim: l.row.Claim.Epoch}
	return &item{
		lane: l, claim: token.Claim, due: f.LogPosition, events: f.events, read: f.events != nil,
		stretch: kapivara.Stretch{Stream: f.Stream, Name: f.Name, From: f.From, To: f.To},
		delivery: kapivara.Delivery{
			Subscriber: l.client.Name, Bucket: l.bucket, Buckets: f.Buckets, Canary: f.Canary, Number: f.Number,
			Attempt: attempt, Cause: f.Cause, Stream: f.Name, Version: f.Version, Finish: f.Finish, Complete: f.Complete,
			From: f.From, To: f.To, AckWait: l.client.AckWait, Token: token.Sign(k.key),
			Node: l.row.Claim.Owner,
		},
	}
}

// resend sends the flight's attempt once more, without a write.
func (k *desk) resend(f *flight) *item {
	i := k.item(f, f.Lease.Attempt)
	i.again, f.pushed = true, true
	f.lane.again[f.Number]++
	k.resends.add(i)
	return i
}

// flush gives what is to be sent once more to the shipper.
func (k *desk) flush() {
	if len(k.resends.items) > 0 {
		k.resends.decide(true)
		k.shipper.take(k.resends)
		k.resends = newCargo()
	}
}

// shipped takes in that a cargo is out: from now on the deadlines run.
func (k *desk) shipped(r report) {
	k.shipper.out = k.shipper.out[1:]
	if !r.cargo.ok {
		return
	}
	var asked []sending
	for _, i := range r.cargo.items {
		l := i.lane
		if i.again {
			k.sentAgain(i)
		}
		f := l.flights[i.delivery.Number]
		if f == nil || f.Lease.State != kapivara.Leased || f.Lease.Attempt != i.delivery.Attempt || i.claim != l.row.Claim.Epoch {
			continue // answered already, or read anew, or with another node by now
		}
		switch {
		case i.pull != nil:
			k.handed(f, i, r.at)
		case f.lent: // that this sending met nobody was known before its report, and a pull has it by now
		case l.again[f.Number] > 0: // it is being sent once more, of which this tells nothing
		case !i.sent:
			k.unhear(f, firstProbe, firstProbe)
		case l.probe == f:
			f.sends++
			f.out, f.events = r.at, i.events
			asked = append(asked, sending{f, f.sends})
		case !f.unheard:
			f.sends++
			k.await(f, r.at, i.delivery.AckWait)
			if !l.client.hears() {
				asked = append(asked, sending{f, f.sends})
			}
		}
	}
	k.ask(r.cargo, asked)
}

// sentAgain notes that a delivery is no longer just being sent once more.
func (k *desk) sentAgain(i *item) {
	l := i.lane
	if l.again[i.delivery.Number]--; l.again[i.delivery.Number] == 0 {
		delete(l.again, i.delivery.Number)
	}
	k.offer(l.client)
}

// keepUnsent notes, once the shipper has ended, which attempts nobody has: their leases may be durable all the same, and
// it must not pass for silence that they were never sent.
func (k *desk) keepUnsent() {
	for _, l := range k.lanes {
		for _, f := range l.unheard {
			k.unsent[f.Ref] = f.Lease.Attempt
		}
	}
	for _, c := range append(k.shipper.out, k.resends) {
		for _, p := range c.pulls {
			p.waiter.answer(nil, errNoPull)
		}
		for _, i := range c.items {
			ref := kapivara.Ref{Bucket: i.lane.row.No, Number: i.delivery.Number}
			if i.sent {
				delete(k.unsent, ref)
			} else {
				k.unsent[ref] = i.delivery.Attempt
			}
		}
	}
}

// await begins to wait for the answer to a sending.
func (k *desk) await(f *flight, sent time.Time, wait time.Duration) {
	f.out = sent
	if f.staged {
		return
	}
	if by := sent.Add(wait).Sub(f.Lease.Until); by > max(wait/10, time.Second) {
		k.postponed = append(k.postponed, f)
	}
	f.Lease.Until = sent.Add(wait)
	k.byStore.set(alarm{at: f.Lease.Until, lane: f.lane, flight: f})
}
