package dispatcher

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"kapivara/pkg/kapivara"
)

// answer is a subscriber's answer on its way.
type answer struct {
	kapivara.Answer
	subscriber string
	token      kapivara.Token
	at         time.Time                     // when it came
	pushed     bool                          // it came to every dispatcher
	kept       bool                          // it came while another dispatcher had the duty
	done       func(kapivara.Settled, error) // nil where nobody waits for the confirmation
}

func (a *answer) ref() kapivara.Ref {
	return kapivara.Ref{Bucket: a.token.Bucket, Number: a.token.Number}
}

// reply confirms the answer, or refuses it, where somebody waits.
func (a *answer) reply(s kapivara.Settled, err error) {
	if a.done != nil {
		a.done(s, err)
	}
}

// inbox keeps what comes in from outside until the desk takes it. It outlives the desk.
type inbox struct {
	mu      sync.Mutex
	most    int
	down    bool            // the desk is not at work: nothing can be confirmed
	mine    map[string]bool // the subscribers of the desk at work, or of the last one
	answers []*answer
	unheard []kapivara.Token // sendings that met nobody
	echoes  []echo           // behind those
	dropped atomic.Int64     // sendings that met nobody and could not be kept
	calls   []*claimCall
	ops     []*operation
	poked   bool
	changed bool // the registry has changed
	nexts   []*waiter
	leaving bool // pulls are answered at once
	ended   bool // nothing is sent any more
	outs    []chan struct{}
	wake    chan struct{}
}

func newInbox(most int) *inbox {
	return &inbox{most: most, down: true, mine: map[string]bool{}, wake: make(chan struct{}, 1)}
}

func (b *inbox) put(change func()) {
	b.mu.Lock()
	change()
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// answer takes an answer in. Where it cannot, one that waits for its confirmation is refused, and another is dropped: its
// delivery comes again.
func (b *inbox) answer(a *answer) {
	var refusal error
	b.put(func() {
		switch {
		case b.down && !a.pushed && !b.mine[a.subscriber]:
			refusal = kapivara.ErrOffDuty
		case b.down && a.done != nil && b.mine[a.subscriber]:
			refusal = kapivara.Refuse(kapivara.Unavailable, "the store is out of reach and the answer was not stored; send it again")
		case len(b.answers) >= b.most && a.pushed && !b.mine[a.subscriber]: // another dispatcher has it too
		case len(b.answers) >= b.most:
			busy := kapivara.Refuse(kapivara.Busy, "too many answers wait; send this one again")
			busy.Facts.RetryAfter = "100ms"
			refusal = busy
		default:
			b.answers = append(b.answers, a)
		}
	})
	if refusal != nil {
		a.reply(kapivara.Settled{}, refusal)
	}
}

// taken is what was in the inbox.
type taken struct {
	answers        []*answer
	unheard        []kapivara.Token
	echoes         []echo
	calls          []*claimCall
	poked, changed bool
	nexts          []*waiter
	leaving, ended bool
	outs           []chan struct{}
	ops            []*operation
}

// take empties the inbox, the answers and the operators' requests only where they are wanted.
func (b *inbox) take(answers, ops bool) taken {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := taken{
		unheard: b.unheard, echoes: b.echoes, calls: b.calls, poked: b.poked, changed: b.changed, nexts: b.nexts, leaving: b.leaving,
		ended: b.ended, outs: b.outs,
	}
	b.unheard, b.echoes, b.calls, b.poked, b.changed, b.nexts, b.outs = nil, nil, nil, false, false, nil, nil
	if ops {
		t.ops, b.ops = b.ops, nil
	}
	if answers {
		t.answers, b.answers = b.answers, nil
	}
	return t
}

// close ends the confirming: while the store is out of reach, or since the run is lost (off). Where somebody waits for the
// confirmation, it is refused, or left to whoever has the duty; what is for nobody to confirm, or was sent to all
// dispatchers, stays for when a desk is back.
func (b *inbox) close(off bool, kept []*answer) {
	refused := map[*answer]error{}
	b.mu.Lock()
	b.down = true
	b.outs = closeAll(b.outs)
	waiting, calls, nexts, ops := append(kept, b.answers...), b.calls, b.nexts, b.ops
	b.answers, b.calls, b.nexts, b.ops = nil, nil, nil, nil
	for _, a := range waiting {
		foreign := off || !b.mine[a.subscriber]
		switch {
		case foreign && a.pushed && time.Since(a.at) > keptFor:
		case a.done == nil && len(b.answers) < b.most, foreign && a.pushed && len(b.answers) < b.most:
			b.answers = append(b.answers, a)
		case foreign:
			refused[a] = kapivara.ErrOffDuty
		default:
			refused[a] = notStored()
		}
	}
	b.mu.Unlock()
	for a, err := range refused {
		if !a.pushed || !errors.Is(err, kapivara.ErrOffDuty) {
			a.reply(kapivara.Settled{}, err)
		}
	}
	refuseCalls(calls, kapivara.ErrOffDuty)
	for _, w := range nexts {
		w.answer(nil, kapivara.ErrOffDuty)
	}
	refuseOps(ops, off)
}

func notStored() error {
	return kapivara.Refuse(kapivara.Unavailable, "the answer was not stored; send it again")
}

func (b *inbox) open() {
	b.mu.Lock()
	b.down = false
	b.mu.Unlock()
}

// begin forgets whose subscribers were the last run's.
func (b *inbox) begin() {
	b.mu.Lock()
	b.unheard, b.echoes = nil, nil
	clear(b.mine)
	b.mu.Unlock()
}

// end forgets all: nobody is to judge it any more.
func (b *inbox) end() {
	b.close(true, nil)
	b.mu.Lock()
	b.answers, b.unheard, b.echoes = nil, nil, nil
	clear(b.mine)
	b.mu.Unlock()
}

// own notes whether the subscriber is this dispatcher's.
func (b *inbox) own(subscriber string, mine bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if mine {
		b.mine[subscriber] = true
	} else {
		delete(b.mine, subscriber)
	}
}

func (b *inbox) owns(subscriber string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mine[subscriber]
}
