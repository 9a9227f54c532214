package porttest

import (
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

// taken is what an operator has made of a delivery.
type taken struct {
	state   kapivara.State
	attempt int       // the last one, and taken away
	at      time.Time // a sending of the same moment may have begun before
}

// operate does an operator's verb to one delivery, a stream, or all in a state.
func (w *machine) operate(r *rapid.T) {
	o := kapivara.Operation{Verb: rapid.SampledFrom([]kapivara.Verb{
		kapivara.Hide, kapivara.Park, kapivara.Retry, kapivara.Retry, kapivara.Discard,
	}).Draw(r, "verb")}
	o.Delay = rapid.SampledFrom([]time.Duration{0, time.Second, 5 * time.Second, time.Minute}).Draw(r, "delay")
	all := w.store.All()
	w.mu.Lock()
	names := w.names
	w.mu.Unlock()
	var one *kapivara.Numbered
	switch kind := rapid.IntRange(0, 3).Draw(r, "which"); {
	case kind < 2 && len(all) > 0:
		one = &all[rapid.IntRange(0, len(all)-1).Draw(r, "number")]
		o.Numbers = []kapivara.Numbering{{Bucket: one.Due.Bucket, Number: one.Number}}
	case kind == 2 && len(names) > 0:
		o.Stream = rapid.SampledFrom(names).Draw(r, "stream")
	default:
		states := map[kapivara.Verb]kapivara.State{kapivara.Retry: kapivara.Parked, kapivara.Discard: kapivara.Parked}
		if o.State = states[o.Verb]; o.State == "" {
			o.State = rapid.SampledFrom([]kapivara.State{kapivara.Pending, kapivara.Leased, kapivara.Hidden}).Draw(r, "state")
		}
	}
	w.mu.Lock()
	if o.Verb == kapivara.Retry {
		w.retries++
	}
	w.forgetTaken(&o)
	w.operating++
	w.mu.Unlock()
	link := w.link
	link.d.Operate("billing", o, func(n int, err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.operating--
		if one != nil && err == nil && n == 1 && !link.isCut() {
			w.took(one, &o)
		}
	})
	if rapid.Bool().Draw(r, "wait") {
		synctest.Wait()
	}
}

// forgetTaken forgets until when something is hidden and what is set aside, where the operation may end that.
func (w *machine) forgetTaken(o *kapivara.Operation) {
	clear(w.notBefore)
	for at, t := range w.taken {
		if o.Verb == kapivara.Retry && t.state == kapivara.Parked {
			t.state = kapivara.Hidden
			w.taken[at] = t
		}
	}
}

// took notes what is confirmed of one delivery, as it then stands in the store. Where other operations are on their way
// only its earlier attempts are certain to be over.
func (w *machine) took(one *kapivara.Numbered, o *kapivara.Operation) {
	alone := w.operating == 0
	for _, n := range w.store.All() {
		if n.Ref != one.Ref {
			continue
		}
		at := place{n.Due.Bucket, n.Number}
		t := taken{state: kapivara.Hidden, attempt: n.Lease.Attempt, at: time.Now()}
		switch {
		case o.Verb == kapivara.Hide && alone:
			w.notBefore[at] = n.Lease.Until
		case o.Verb == kapivara.Discard:
			t.state = kapivara.Discarded
		case o.Verb == kapivara.Park && alone:
			t.state = kapivara.Parked
		}
		w.taken[at] = t
	}
}

// replay sends again what is settled.
func (w *machine) replay(r *rapid.T) {
	w.link.d.Replay("billing", kapivara.Replay{After: int64(rapid.IntRange(0, 20).Draw(r, "after"))}, func(int, error) {})
	if rapid.Bool().Draw(r, "wait") {
		synctest.Wait()
	}
}
