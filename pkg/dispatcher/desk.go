package dispatcher

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"kapivara/pkg/kapivara"
)

// desk is the dispatcher at work: all fields belong to the goroutine of run. What it starts beside itself, at most one
// turn and one reading, comes back through done.
type desk struct {
	cfg    Config
	store  Store
	sender Sender
	log    *slog.Logger
	inbox  *inbox
	clock  *clock
	held   func() bool // the run is certain to last
	living *atomic.Pointer[living]
	run    int32
	key    []byte

	duties   map[int32]int64 // the epochs of the subscribers that are this desk's
	surveyed bool            // they are known
	lost     bool            // one of them may be another's: nothing is written until that is known
	sharing  bool            // somebody is beside, asking who works for whom
	shared   time.Time       // when that was asked last
	gone     []int32         // subscribers to be given back, of which nothing is here any more

	clients   map[int32]*client
	names     map[string]*client // the clients by name
	known     map[string]bool    // the names of all subscribers
	enrolling bool               // they are being read
	kept      []*answer          // for others' subscribers, by the time they came
	lanes     map[int32]*lane    // by the number of the bucket's row
	registry  int64
	mark      kapivara.DueMark // all that is due up to it was seen

	byStore alarms // deadlines and the ends of hiding, by the store's clock
	byLocal alarms // probes, by the local clock
	steps   int    // of the store's clock, that the alarms know of
	crowded int    // more alarms than this by the store's clock are to be sifted

	answers   []*answer                   // to be judged
	lookups   map[kapivara.Ref]*lookup    // deliveries that are not in memory
	asking    int                         // answers that wait for those
	early     []kapivara.Token            // sendings that met nobody, of buckets that are to be read first
	late      []*flight                   // their deadline has passed
	postponed []*flight                   // they were sent long after their lease, and the store has a deadline that is too early
	ops       ops                         // requests of operators
	dirty     []*lane                     // something may be leased
	hungry    []*lane                     // something is to be read
	closed    []*lane                     // they need a row
	news      []*client                   // something is newly known of their nodes
	calls     []*claimCall                // that are not with their clients yet
	reviews   []*client                   // it is to be looked at who has their buckets
	wants     struct{ roster, look bool } // what is to be read
	looked    time.Time                   // when the last look began
	looks     int                         // how many have begun
	seen      int                         // the last one that has ended
	meanwhile map[freed]struct{}          // streams that were leased since

	strangers []*waiter // pulls of subscribers that are not known yet
	ending    []*waiter // their wait is over, and something may be on its way to them
	offers    []*client // they have something to hand out, and waiters
	given     []*pull   // answers that are being made up
	returned  []*flight // no pull has them after all
	leaving   bool      // pulls are answered at once
	ended     bool      // nothing is leased or probed any more

	outs []chan struct{} // closed when nothing is on its way out

	reading, turning, stopping bool
	turns                      int // answers and readings take turns at the store
	done                       chan func() error
	planned                    *plan // while turning
	shipper                    *shipper
	resends                    *cargo               // collected while the desk works
	unsent                     map[kapivara.Ref]int // attempts that the desk before has leased and nobody was sent
	others                     sync.WaitGroup
}

func (d *Dispatcher) newDesk(run int32, key []byte, unsent map[kapivara.Ref]int) *desk {
	return &desk{
		cfg: d.cfg, store: d.store, sender: d.sender, log: d.log, inbox: d.inbox, clock: d.clock,
		held: d.held, living: &d.living, run: run, key: key, unsent: unsent,
		duties: map[int32]int64{}, names: map[string]*client{},
		clients: map[int32]*client{}, lanes: map[int32]*lane{}, lookups: map[kapivara.Ref]*lookup{},
		meanwhile: map[freed]struct{}{},
		mark:      kapivara.DueMark{LogPosition: math.MaxInt64}, done: make(chan func() error), resends: newCargo(),
	}
}

// work works until ctx ends (the run is lost), stop is closed (then what has come in is finished first), or the store
// fails. Afterwards nothing that was not durable has been confirmed.
func (k *desk) work(ctx context.Context, stop <-chan struct{}) error {
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	k.shipper = newShipper(working, k)
	defer k.keepUnsent()
	defer k.shipper.wait()
	defer k.others.Wait()
	defer cancel()
	k.wants.roster = true
	k.inbox.open()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		k.round(working)
		if k.stopping && k.idle() {
			return k.leave(ctx, nil)
		}
		timer.Reset(k.untilAlarm())
		select {
		case <-ctx.Done():
			return k.leave(ctx, kapivara.ErrOffDuty)
		case <-stop:
			k.stopping, stop = true, nil
			k.sendAllAway(nil)
		case <-k.inbox.wake:
		case report := <-k.shipper.reports:
			k.shipped(report)
		case finish := <-k.done:
			if err := finish(); err != nil {
				return k.leave(ctx, err)
			}
		case <-timer.C:
		}
	}
}

// round takes in what has happened and starts what can be started.
func (k *desk) round(ctx context.Context) {
	k.receive()
	k.ring()
	k.share(ctx)
	if !k.turning {
		k.turn(ctx)
	}
	k.end()
	if !k.reading {
		k.read(ctx)
	}
	k.flush()
	if len(k.shipper.out) == 0 {
		k.outs = closeAll(k.outs)
	}
}

func (k *desk) receive() {
	t := k.inbox.take(len(k.answers)+k.asking < k.cfg.Inbox, len(k.ops.list) == 0)
	k.answers = append(k.answers, t.answers...)
	k.ops.list = append(k.ops.list, t.ops...)
	for _, token := range t.unheard {
		k.missed(token)
	}
	for _, e := range t.echoes {
		k.echoed(e)
	}
	k.calls = append(k.calls, t.calls...)
	k.wants.look = k.wants.look || t.poked
	k.wants.roster = k.wants.roster || t.changed
	if t.leaving && !k.leaving {
		k.leaving = true
		k.sendAllAway(nil)
	}
	k.ended = k.ended || t.ended
	k.outs = append(k.outs, t.outs...)
	for _, w := range t.nexts {
		k.admit(w)
	}
}

// idle tells that a desk that stops has finished: every answer judged, nothing on its way.
func (k *desk) idle() bool {
	return !k.turning && !k.reading && !k.sharing && len(k.answers) == 0 && len(k.lookups) == 0 && len(k.shipper.out) == 0
}

// beside runs f in a goroutine of its own and gives what it returns to the desk's goroutine.
func (k *desk) beside(ctx context.Context, f func(context.Context) func() error) {
	k.others.Go(func() {
		finish := f(ctx)
		select {
		case k.done <- finish:
		case <-ctx.Done():
		}
	})
}

// touch notes that the lane may have something to lease.
func (k *desk) touch(l *lane) {
	if !l.dirty && !l.cold {
		l.dirty = true
		k.dirty = append(k.dirty, l)
	}
}

// feed notes that the lane is to be read from, where it is.
func (k *desk) feed(l *lane) {
	if l.redo.freed && !l.redo.more && len(l.redo.queue) == 0 {
		l.rewind()
	}
	waiting := l.overflown && !l.stalled && !l.left() && len(l.queue) <= l.room()/2
	if !l.hungry && (l.cold || waiting || len(l.freed) > 0 || l.more && len(l.hidden) == 0 && l.row.No != 0 || l.wantsReplays()) {
		l.hungry = true
		k.hungry = append(k.hungry, l)
	}
}

// leave ends the desk for the reason. What nobody can confirm any more is refused.
func (k *desk) leave(ctx context.Context, err error) error {
	if k.planned != nil { // what has become of it nobody waits for any more
		k.fail(k.planned, ctx.Err())
	}
	kept := append(k.kept, k.answers...)
	for _, l := range k.lookups {
		kept = append(kept, l.answers...)
	}
	if ctx.Err() != nil {
		err = kapivara.ErrOffDuty
	}
	off := errors.Is(err, kapivara.ErrOffDuty)
	k.inbox.close(off, kept)
	refusal := error(kapivara.ErrOffDuty)
	if !off {
		refusal = notStored()
	}
	refuseCalls(k.calls, kapivara.ErrOffDuty)
	refuseOps(k.ops.list, off)
	for _, c := range k.clients {
		refuseCalls(c.claims.calls, refusal)
	}
	k.sendAllAway(refusal)
	k.outs = closeAll(k.outs)
	return err
}
