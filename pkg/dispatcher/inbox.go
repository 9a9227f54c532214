package dispatcher

import (
	"sync"

	"kapivara/pkg/kapivara"
)

// answer is a subscriber's answer on its way.
type answer struct {
	kapivara.Answer
	subscriber string
	token      kapivara.Token
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
	down    bool // the desk is not at work: nothing can be confirmed
	answers []*answer
	unheard []kapivara.Token // sendings that met nobody
	calls   []*claimCall
	ops     []*operation
	poked   bool
	changed bool // the registry has changed
	wake    chan struct{}
}

func newInbox(most int) *inbox { return &inbox{most: most, wake: make(chan struct{}, 1)} }

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
		case b.down && a.done != nil:
			refusal = kapivara.Refuse(kapivara.Unavailable, "the store is out of reach and the answer was not stored; send it again")
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
	calls          []*claimCall
	poked, changed bool
	ops            []*operation
}

// take empties the inbox, the answers only where they are wanted.
func (b *inbox) take(answers bool) taken {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := taken{unheard: b.unheard, calls: b.calls, poked: b.poked, changed: b.changed, ops: b.ops}
	b.unheard, b.calls, b.poked, b.changed, b.ops = nil, nil, false, false, nil
	if answers {
		t.answers, b.answers = b.answers, nil
	}
	return t
}

// close ends the confirming: while the store is out of reach, or for good. Answers that wait for a confirmation are
// refused, as are operators' requests; the others stay for when the desk is back.
func (b *inbox) close(refusal error, kept []*answer) {
	b.mu.Lock()
	b.down = true
	waiting, calls, ops := append(kept, b.answers...), b.calls, b.ops
	b.answers, b.calls, b.ops = nil, nil, nil
	for _, a := range waiting {
		if a.done == nil && len(b.answers) < b.most {
			b.answers = append(b.answers, a)
		}
	}
	b.mu.Unlock()
	for _, a := range waiting {
		a.reply(kapivara.Settled{}, refusal)
	}
	refuseCalls(calls, refusal)
	refuseOps(ops)
}

func (b *inbox) open() {
	b.mu.Lock()
	b.down = false
	b.mu.Unlock()
}

// clear forgets all: the answers of another dispatcher's time are its own.
func (b *inbox) clear() {
	b.mu.Lock()
	ops := b.ops
	b.answers, b.unheard, b.ops = nil, nil, nil
	b.mu.Unlock()
	refuseOps(ops)
}
