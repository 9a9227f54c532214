package dispatcher

import (
	"context"
	"errors"
	"slices"
	"time"

	"kapivara/pkg/kapivara"
)

// plan is a turn with what it means to the desk.
type plan struct {
	kapivara.Turn
	changes []change
	holds   []*client // whose duties the turn holds
	lanes   []*lane   // that have a step
	gens    []int     // of the lanes
	clients []*client
	reviews []*review // of who has the buckets

	reviewed []*client // whose buckets were looked at
	cargo    *cargo    // what is sent once the turn is durable
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
	lends               // whether a pull has it
)

// maxChanges bounds what one turn settles.
const maxChanges = 4000

// turn plans what there is to do and starts to write it, if anything is. While the duties are not certain nothing is judged:
// another dispatcher may be at work, and know of attempts that this one would call stale.
func (k *desk) turn(ctx context.Context) {
	if !k.held() || k.lost || !k.surveyed {
		return
	}
	if k.ops.next && k.operate(ctx) {
		k.ops.next = false
		return
	}
	p := k.plan()
	k.sendGiven(p)
	if p.Empty() {
		k.claimed(p, k.clock.now()) // whoever gave back what it has not
		k.operate(ctx)
		return
	}
	k.ops.next = true
	k.turning, k.planned = true, p
	k.flush() // what an answer of this turn has set free goes before what the turn leases (I-14)
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
			case errors.Is(err, kapivara.ErrLostDuty):
				k.undo(p)
				k.off()
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
	p := &plan{cargo: newCargo()}
	k.reviewClaims(p, true)
	k.judge(p)
	k.silence(p)
	k.postpone(p)
	k.reviewClaims(p, false)
	k.serve(p)
	k.fill(p)
	k.takeBack(p)
	k.detour(p)
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

// close adds how the rows of the buckets move on, and what is newly known of the subscribers' nodes.
func (k *desk) close(p *plan) {
	p.Layouts = k.layouts(p.Leases)
	for _, l := range p.lanes {
		p.hold(l.client)
		s := l.step
		floor := s.sent
		if s.sent > l.row.Sent {
			floor = l.row.Sent
		}
		p.Buckets = append(p.Buckets, kapivara.BucketChange{
			No: l.row.No, Version: l.row.Version, Sent: s.sent, Floor: max(l.floor(floor), l.row.Floor), Committed: s.committed,
			Claim: s.claim,
		})
	}
	for _, r := range p.reviews {
		p.hold(r.client)
	}
	for _, c := range k.news {
		if k.clients[c.No] != c {
			continue // removed, or another's
		}
		p.hold(c)
		c.news.Subscriber, c.hasNews = c.No, false
		p.Presences = append(p.Presences, c.news)
		p.clients = append(p.clients, c)
		c.news = kapivara.PresenceChange{}
	}
	k.news = nil
	p.Hold = k.hold(p.holds...)
}

// hold makes the turn rest on the duty for the client. It is to be called for every client that the turn touches.
func (p *plan) hold(c *client) {
	if !slices.Contains(p.holds, c) {
		p.holds = append(p.holds, c)
	}
}

// off makes the desk look at once whose its subscribers are, and write nothing before.
func (k *desk) off() { k.lost, k.shared = true, time.Time{} }

// tell is where to note what is newly known of the client's nodes.
func (k *desk) tell(c *client) *kapivara.PresenceChange {
	if !c.hasNews {
		c.hasNews = true
		k.news = append(k.news, c)
	}
	return &c.news
}
