package dispatcher

import (
	"context"
	"errors"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// maxOperations is how many operators' requests wait at once.
const maxOperations = 64

// operation is an operator's request on its way: a verb or a replay.
type operation struct {
	subscriber string
	verb       *kapivara.Operation // nil: a replay
	replay     *kapivara.Replay
	done       func(changed int, err error)

	begun   bool // something may have been changed
	from    kapivara.OperateMark
	mark    kapivara.ReplayMark
	changed int
	lanes   []*lane // touched by the last part, and read anew before the next one
}

// ops are the operators' requests of a desk.
type ops struct {
	list []*operation // one after another
	next bool         // the next step is one of theirs, not a turn
	// writing is for whom a part is being written.
	writing *client
}

// refuseOps refuses requests that nobody here will do: since the run is lost (off), or while the store is out of reach.
func refuseOps(list []*operation, off bool) {
	for _, o := range list {
		if off {
			o.done(0, o.off())
		} else {
			o.done(0, errNotDone)
		}
	}
}

// off refuses the request where the subscriber is another dispatcher's. One that was begun is not simply done there: how
// much was changed would not be told.
func (o *operation) off() error {
	if o.begun {
		return errNotDone
	}
	return kapivara.ErrOffDuty
}

// Operate does an operator's verb. done is called exactly once, with how many deliveries were changed, when that is
// durable, or with the refusal; it must not block. After unavailable or outcome_unknown some may have been changed.
// kapivara.ErrOffDuty says that the subscriber is another dispatcher's.
func (d *Dispatcher) Operate(subscriber string, o kapivara.Operation, done func(changed int, err error)) {
	d.inbox.operate(&operation{subscriber: subscriber, verb: &o, done: done})
}

// Replay notes streams to be sent again, as Operate does its verb.
func (d *Dispatcher) Replay(subscriber string, r kapivara.Replay, done func(changed int, err error)) {
	d.inbox.operate(&operation{subscriber: subscriber, replay: &r, done: done})
}

// operate takes an operator's request in, or refuses it.
func (b *inbox) operate(o *operation) {
	var refusal error
	b.put(func() {
		switch {
		case b.down && !b.mine[o.subscriber]:
			refusal = kapivara.ErrOffDuty
		case b.down:
			refusal = errNotDone
		case len(b.ops) >= maxOperations:
			busy := kapivara.Refuse(kapivara.Busy, "too many operators' requests wait; send this one again")
			busy.Facts.RetryAfter = "1s"
			refusal = busy
		default:
			b.ops = append(b.ops, o)
		}
	})
	if refusal != nil {
		o.done(0, refusal)
	}
}

var errNotDone = kapivara.Refuse(kapivara.Unavailable, "the dispatcher could not finish this; send the same request again")

// operate begins the next part of the first request that waits. A part is a step of its own, while no turn is being
// written; between two parts the lanes that were touched are read anew, and a turn goes before the next.
func (k *desk) operate(ctx context.Context) bool {
	o, c := k.nextOperation()
	if o == nil {
		return false
	}
	for _, l := range o.lanes {
		if l.stale && k.clients[l.client.No] == l.client {
			return false
		}
	}
	hold := k.hold(c)
	k.turning, k.ops.writing, o.begun = true, c, true
	k.beside(ctx, func(ctx context.Context) func() error {
		var verb *kapivara.Operated
		var replay *kapivara.Replayed
		var err error
		if ctx := context.WithoutCancel(ctx); o.verb != nil { // what is on its way is never called back
			verb, err = k.store.Operate(ctx, hold, o.subscriber, o.verb, o.from)
		} else {
			replay, err = k.store.Replay(ctx, hold, o.subscriber, o.replay, o.mark)
		}
		return func() error {
			k.turning, k.ops.writing = false, nil
			switch {
			case err != nil:
				return k.operateFailed(o, err)
			case verb != nil:
				k.operated(o, verb)
			default:
				k.replayed(o, replay)
			}
			return nil
		}
	})
	return true
}

// nextOperation is the first request that waits, with its client. One for a subscriber that is another dispatcher's, or not
// there, is for whoever knows better.
func (k *desk) nextOperation() (*operation, *client) {
	for len(k.ops.list) > 0 && !k.stopping {
		o := k.ops.list[0]
		c := k.names[o.subscriber]
		switch {
		case k.leaving:
			k.finish(o, errNotDone)
		case c == nil && (k.wants.roster || k.enrolling):
			return nil, nil
		case c == nil || c.leaving:
			k.strange(o.subscriber)
			k.finish(o, o.off())
		default:
			return o, c
		}
	}
	return nil, nil
}

// operateFailed takes in that a part was not done. What the store refuses is the request's fault alone; a part that met
// another change is tried again, once its lanes are read anew.
func (k *desk) operateFailed(o *operation, err error) error {
	var refusal *kapivara.Error
	switch errors.As(err, &refusal); {
	case errors.Is(err, kapivara.ErrStaleTurn):
		o.lanes = nil
		if c := k.names[o.subscriber]; c != nil {
			for _, l := range c.lanes {
				k.renew(o, l)
			}
		}
		return nil
	case errors.Is(err, kapivara.ErrLostDuty):
		k.finish(o, errNotDone)
		k.off()
		return nil
	case refusal != nil && refusal.Code != kapivara.Unavailable && refusal.Code != kapivara.OutcomeUnknown:
		k.finish(o, refusal)
		return nil
	case refusal != nil:
		k.finish(o, refusal)
	default:
		k.finish(o, errNotDone)
	}
	return err
}

// operated takes in a part of a verb. Whatever is known of a lane with a changed delivery is out of date, and a sending of
// such a delivery that has not gone out yet does not.
func (k *desk) operated(o *operation, part *kapivara.Operated) {
	o.changed += part.Count
	o.lanes = nil
	for i := range part.Changed {
		n := &part.Changed[i]
		k.outdated(n.Ref)
		k.shipper.recall(n.Ref)
	}
	c := k.names[o.subscriber]
	for i := range part.Changed {
		n := &part.Changed[i]
		if c != nil {
			l := k.lane(c, n.Due.Bucket) // one that is just being read for the first time is read once more
			k.renew(o, l)
			k.settled(&flight{Numbered: *n, lane: l})
		}
		k.sender.Notify(o.subscriber, (&flight{Numbered: *n, lane: &lane{bucket: n.Due.Bucket}}).show(time.Time{}))
	}
	if part.Next == nil {
		k.finish(o, nil)
		return
	}
	o.from = *part.Next
}

// renew throws away what is known of a lane that this part of the operation has touched: also where it is being read anew
// since another was there before.
func (k *desk) renew(o *operation, l *lane) {
	if !slices.Contains(o.lanes, l) {
		l.stale = true
		o.lanes = append(o.lanes, l)
		k.chill(l)
	}
}

// replayed takes in a part of a replay: the lanes have something to send again.
func (k *desk) replayed(o *operation, part *kapivara.Replayed) {
	o.changed += part.Count
	if c := k.names[o.subscriber]; c != nil {
		for _, b := range part.Buckets {
			if l := c.lanes[b]; l != nil {
				l.rewind()
				k.feed(l)
			}
		}
	}
	if part.Next == nil {
		k.finish(o, nil)
		return
	}
	o.mark = *part.Next
}

// finish ends the first request.
func (k *desk) finish(o *operation, err error) {
	k.ops.list = k.ops.list[1:]
	if err != nil {
		o.done(0, err)
		return
	}
	o.done(o.changed, nil)
}
