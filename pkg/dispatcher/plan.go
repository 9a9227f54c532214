package dispatcher

import (
	"context"
	"errors"
	"time"

	"kapivara/pkg/kapivara"
)

// plan is a turn with what it means to the desk.
type plan struct {
	kapivara.Turn
	changes []change
	lanes   []*lane // that have a step
	gens    []int   // of the lanes
	clients []*client
	cargo   *cargo // what is sent once the turn is durable
}

// change is what a turn makes of one delivery.
type change struct {
	flight *flight
	next   kapivara.Lease
	after  time.Duration // from the turn's time to next.Until
	answer *answer       // that has led to it, nil where none has
	verb   verb
	gen    int // of its lane
}

type verb uint8

const (
	settles verb = iota // by an answer or by silence
	leases              // the first attempt
	retries             // a later attempt
)

// maxChanges bounds what one turn settles.
const maxChanges = 4000

// turn plans what there is to do and starts to write it, if anything is.
func (k *desk) turn(ctx context.Context) {
	p := k.plan()
	if p.Empty() {
		return
	}
	k.turning, k.planned = true, p
	if len(p.cargo.items) > 0 {
		k.shipper.take(p.cargo)
	}
	begun := time.Now()
	k.beside(ctx, func(ctx context.Context) func() error {
		now, err := k.store.Turn(context.WithoutCancel(ctx), &p.Turn) // what is on its way is never called back
		return func() error {
			k.turning, k.planned = false, nil
			switch {
			case err == nil:
				k.clock.sync(now, begun)
				k.apply(p, now)
				return nil
			case errors.Is(err, kapivara.ErrStaleTurn):
				k.undo(p)
				return nil
			}
			k.fail(p, err)
			return err
		}
	})
}

// plan decides what the next turn does: settle what was answered and what stayed silent, and lease into the places that
// this frees. The order makes an answer that came in time count before its deadline.
func (k *desk) plan() *plan {
	p := &plan{Turn: kapivara.Turn{Epoch: k.epoch}, cargo: newCargo()}
	k.judge(p)
	k.silence(p)
	k.fill(p)
	k.close(p)
	return p
}

// stepOf is what the turn does to the lane.
func (p *plan) stepOf(l *lane) *step {
	if l.step == nil {
		l.step = &step{sent: l.row.Sent}
		p.lanes = append(p.lanes, l)
		p.gens = append(p.gens, l.gen)
	}
	return l.step
}

// silence settles the leased deliveries whose deadline has passed.
func (k *desk) silence(p *plan) {
	now := k.clock.now()
	late := k.late
	k.late = nil
	for _, f := range late {
		l := f.lane
		if l.flights[f.Number] != f || f.staged || f.unheard || f.out.IsZero() || f.Lease.State != kapivara.Leased {
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

// fill leases what the lanes have room for, those first that have waited longest.
func (k *desk) fill(p *plan) {
	if k.stopping {
		return
	}
	now := k.clock.now()
	for n := len(k.dirty); n > 0 && len(p.cargo.items) < k.cfg.Leases && !k.shipper.full(); n-- {
		l := k.dirty[0]
		k.dirty = k.dirty[1:]
		l.dirty = false
		if l.cold || len(l.unheard) > 0 || k.clients[l.client.No] != l.client {
			continue // touched again once that has changed
		}
		k.again(p, l, now)
		k.lease(p, l, now)
		k.feed(l)
	}
}

// again begins the next attempts of what was hidden until now.
func (k *desk) again(p *plan, l *lane, now time.Time) {
	for i := 0; i < len(l.hidden) && !l.hidden[i].Lease.Until.After(now); {
		if l.slots() <= 0 {
			return
		}
		f := l.hidden[i]
		if f.staged {
			i++
			continue
		}
		if len(p.cargo.items) >= k.cfg.Leases {
			k.touch(l)
			return
		}
		l.unhide(f)
		f.staged = true
		next := f.Lease.Begin(now, l.client.Policy())
		p.stepOf(l).leased++
		p.Again = append(p.Again, kapivara.NextAttempt{Ref: f.Ref, Attempt: next.Attempt, AckWait: l.client.AckWait})
		p.changes = append(p.changes, change{flight: f, next: next, after: l.client.AckWait, verb: retries, gen: l.gen})
		p.cargo.add(k.item(f, next.Attempt))
	}
}

// lease gives what is due its number.
func (k *desk) lease(p *plan, l *lane, now time.Time) {
	if l.row.No == 0 {
		if len(l.queue) > 0 && !l.opened {
			l.opened = true
			k.closed = append(k.closed, l)
		}
		return
	}
	for l.slots() > 0 {
		if len(p.cargo.items) >= k.cfg.Leases {
			k.touch(l)
			return
		}
		w, ok := l.next()
		if !ok {
			return
		}
		s := p.stepOf(l)
		s.sent++
		s.leased++
		f := &flight{lane: l, staged: true, Numbered: l.number(w, s.sent)}
		next := f.Lease.Begin(now, l.client.Policy())
		p.Leases = append(p.Leases, kapivara.NewDelivery{
			Ref: f.Ref, Due: w.Due, From: f.From, To: f.To, AckWait: l.client.AckWait, Buckets: f.Buckets, Cause: f.Cause,
		})
		p.changes = append(p.changes, change{flight: f, next: next, after: l.client.AckWait, verb: leases, gen: l.gen})
		p.cargo.add(k.item(f, next.Attempt))
		l.streams[f.Stream]++ // it holds back the next one from now on
	}
}

// number is the delivery of a whole stream.
func (l *lane) number(w kapivara.Waiting, number int64) kapivara.Numbered {
	buckets := l.client.Buckets
	if l.bucket.Canary() {
		buckets = l.client.CanaryBuckets
	}
	return kapivara.Numbered{
		Ref: kapivara.Ref{Bucket: l.row.No, Number: number}, Waiting: w,
		From: 1, To: w.Finish, Cause: kapivara.CauseComplete, Buckets: buckets,
	}
}

// close adds how the rows of the buckets move on, and what is newly known of the subscribers' nodes.
func (k *desk) close(p *plan) {
	for _, l := range p.lanes {
		s := l.step
		floor := s.sent
		if s.sent > l.row.Sent {
			floor = l.row.Sent
		}
		p.Buckets = append(p.Buckets, kapivara.BucketChange{
			No: l.row.No, Version: l.row.Version, Sent: s.sent, Floor: max(l.floor(floor), l.row.Floor), Committed: s.committed,
		})
	}
	for _, c := range k.news {
		c.news.Subscriber, c.hasNews = c.No, false
		p.Presences = append(p.Presences, c.news)
		p.clients = append(p.clients, c)
		c.news = kapivara.PresenceChange{}
	}
	k.news = nil
}

// tell is where to note what is newly known of the client's nodes.
func (k *desk) tell(c *client) *kapivara.PresenceChange {
	if !c.hasNews {
		c.hasNews = true
		k.news = append(k.news, c)
	}
	return &c.news
}
