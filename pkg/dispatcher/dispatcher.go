package dispatcher

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"kapivara/pkg/kapivara"
)

// Dispatcher sends what is due and settles what is answered. Any number may run; one is at work at a time.
type Dispatcher struct {
	cfg    Config
	store  Store
	sender Sender
	log    *slog.Logger
	inbox  *inbox
	clock  *clock
	key    atomic.Pointer[[]byte]
	until  atomic.Pointer[time.Time] // to when the duty is certain, by the local clock
	onDuty func(bool)

	mu   sync.Mutex
	stop chan struct{} // closed to stop; nil before Start
	end  chan struct{} // closed when stopped
}

// New makes a dispatcher that does nothing until Start.
func New(store Store, sender Sender, cfg Config, log *slog.Logger) *Dispatcher {
	cfg = cfg.withDefaults()
	return &Dispatcher{
		cfg: cfg, store: store, sender: sender, log: log, inbox: newInbox(cfg.Inbox), clock: &clock{},
		onDuty: func(bool) {},
	}
}

// OnDuty sets what is called with true when this dispatcher becomes the one at work, before it sends anything, and with
// false when it no longer is. From then on answers are to come in, or no longer. Call it before Start. f may wait for what
// it has taken in to be answered.
func (d *Dispatcher) OnDuty(f func(bool)) { d.onDuty = f }

// Start begins in the background: it waits for its duty, and does it. A second start is without effect while it runs.
func (d *Dispatcher) Start(ctx context.Context) error {
	if err := d.cfg.Validate(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop != nil {
		return nil
	}
	d.stop, d.end = make(chan struct{}), make(chan struct{})
	go d.serve(context.WithoutCancel(ctx), d.stop, d.end)
	return nil
}

// Stop takes no more, finishes what it has taken, gives its duty up, and returns when all is done. It may be called twice
// and before Start.
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

// Settle takes an answer with the token's text, as it came for the subscriber. done, where it is not nil, is called
// exactly once, when the answer is durable, or with the refusal; it must not block.
func (d *Dispatcher) Settle(subscriber, token string, a kapivara.Answer, done func(kapivara.Settled, error)) {
	t, ok := d.parse(token)
	if !ok {
		if done != nil {
			done(kapivara.Settled{}, errToken)
		}
		return
	}
	d.inbox.answer(&answer{Answer: a, subscriber: subscriber, token: t, done: done})
}

// NoResponders says that the sending with the token met nobody.
func (d *Dispatcher) NoResponders(token string) {
	if t, ok := d.parse(token); ok {
		d.inbox.put(func() {
			if len(d.inbox.unheard) < d.inbox.most {
				d.inbox.unheard = append(d.inbox.unheard, t)
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
