package dispatcher

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"kapivara/pkg/kapivara"
)

// Dispatcher sends what is due and settles what is answered. Any number may run: they share the subscribers.
type Dispatcher struct {
	cfg    Config
	store  Store
	sender Sender
	log    *slog.Logger
	inbox  *inbox
	clock  *clock
	key    atomic.Pointer[[]byte]
	until  atomic.Pointer[time.Time] // to when the run is certain to last, by the local clock
	run    atomic.Int32              // 0 between two runs
	onRun  func(run int32, on bool)
	owners owners
	living atomic.Pointer[living] // nil before the first survey

	waiting atomic.Int64 // pulls that are not answered yet

	mu   sync.Mutex
	stop chan struct{} // closed to stop; nil before Start
	end  chan struct{} // closed when stopped
}

// New makes a dispatcher that does nothing until Start.
func New(store Store, sender Sender, cfg Config, log *slog.Logger) *Dispatcher {
	cfg = cfg.withDefaults()
	return &Dispatcher{
		cfg: cfg, store: store, sender: sender, log: log, inbox: newInbox(cfg.Inbox), clock: &clock{},
		onRun: func(int32, bool) {},
	}
}

// OnRun sets what is called with the number of a run when it begins, before it has any subscriber, and when it has ended.
// In between, requests that other dispatchers forward to that number are to come in. Call it before Start.
func (d *Dispatcher) OnRun(f func(run int32, on bool)) { d.onRun = f }

// Start begins in the background: it joins the others and takes its share. A second start is without effect while it runs.
func (d *Dispatcher) Start(ctx context.Context) error {
	if err := d.cfg.Validate(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop != nil {
		return nil
	}
	d.inbox.put(func() { d.inbox.leaving, d.inbox.ended = false, false })
	d.stop, d.end = make(chan struct{}), make(chan struct{})
	go d.serve(context.WithoutCancel(ctx), d.stop, d.end)
	return nil
}

// Stop finishes what it has taken in, leaves its subscribers to others, and returns when all is done. What brings answers and
// requests is to end before. It may be called twice and before Start.
func (d *Dispatcher) Stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop == nil {
		return
	}
	close(d.stop)
	<-d.end
	d.stop = nil
}

// Poke says that something was committed: streams that are due, or a change of the registry.
func (d *Dispatcher) Poke(due, registry bool) {
	d.inbox.put(func() {
		d.inbox.poked = d.inbox.poked || due
		d.inbox.changed = d.inbox.changed || registry
	})
}

// Settle takes an answer with the token's text, as it came for the subscriber in a request. done, where it is not nil, is
// called exactly once, when the answer is durable, or with the refusal; it must not block. kapivara.ErrOffDuty says that the
// subscriber is another dispatcher's.
func (d *Dispatcher) Settle(subscriber, token string, a kapivara.Answer, done func(kapivara.Settled, error)) {
	d.settle(&answer{Answer: a, subscriber: subscriber, done: done}, token)
}

// Answered takes an answer that has come to the reply subject of a delivery, and so to every dispatcher. done is as in
// Settle, but is never called where the subscriber is another's: the answer is kept for a while, and counts if this
// dispatcher gets the duty.
func (d *Dispatcher) Answered(subscriber, token string, a kapivara.Answer, done func(kapivara.Settled, error)) {
	d.settle(&answer{Answer: a, subscriber: subscriber, done: done, pushed: true}, token)
}

func (d *Dispatcher) settle(a *answer, token string) {
	var ok bool
	if a.token, ok = d.parse(token); ok {
		a.at = time.Now()
		d.inbox.answer(a)
		return
	}
	switch {
	case d.inbox.owns(a.subscriber):
		a.reply(kapivara.Settled{}, errToken)
	case !a.pushed:
		a.reply(kapivara.Settled{}, kapivara.ErrOffDuty)
	}
}

// Run is the number of this dispatcher's run, 0 between two.
func (d *Dispatcher) Run() int32 { return d.run.Load() }

// NoResponders says that the sending with the token met nobody.
func (d *Dispatcher) NoResponders(token string) {
	if t, ok := d.parse(token); ok {
		d.inbox.put(func() {
			if len(d.inbox.unheard) < d.inbox.most {
				d.inbox.unheard = append(d.inbox.unheard, t)
			} else {
				d.inbox.dropped.Add(1)
			}
		})
	}
}

func (d *Dispatcher) parse(token string) (kapivara.Token, bool) {
	key := d.key.Load()
	if key == nil {
		return kapivara.Token{}, false
	}
	return kapivara.ParseToken(*key, token)
}

var errToken = kapivara.Invalid("token", "this is no token of a delivery of this subscriber")
