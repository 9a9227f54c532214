package porttest

import (
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kapivara/pkg/kapivara"
)

func machineAck() kapivara.Answer { return kapivara.Answer{Verdict: kapivara.Ack, Delay: -1} }

func machineAnswers() []kapivara.Answer {
	ack := machineAck()
	return []kapivara.Answer{
		ack, ack, ack,
		{Verdict: kapivara.Nak, Delay: -1, Reason: "not today"},
		{Verdict: kapivara.Nak, Delay: 3 * time.Second, Reason: "x"},
		{Verdict: kapivara.Progress, Delay: -1},
		{Verdict: kapivara.Term, Delay: -1, Reason: "never"},
	}
}

func (w *machine) answer(r *rapid.T) { w.settle(r, 3) }

func (w *machine) answerLate(r *rapid.T) { w.settle(r, 1000) }

// settle answers one of what was sent lately.
func (w *machine) settle(r *rapid.T, back int) {
	w.mu.Lock()
	if len(w.sent) == 0 {
		w.mu.Unlock()
		r.Skip("nothing was sent")
	}
	d := w.sent[rapid.IntRange(max(0, len(w.sent)-back), len(w.sent)-1).Draw(r, "delivery")]
	nobodys := w.owners.nobodys[d.Token]
	w.mu.Unlock()
	if nobodys {
		r.Skip("nobody has it")
	}
	a := rapid.SampledFrom(machineAnswers()).Draw(r, "answer")
	if rapid.IntRange(0, 3).Draw(r, "plain") == 0 {
		w.link.d.Settle(d.Subscriber, d.Token, a, nil)
		return
	}
	link := w.link
	link.d.Settle(d.Subscriber, d.Token, a, func(s kapivara.Settled, err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if t, ok := w.taken[placeOf(&d)]; err == nil && ok && d.Attempt <= t.attempt && !link.isCut() {
			w.fault(&d, "takes %s although attempt %d was taken away", a.Verdict, t.attempt)
		}
		if err == nil {
			w.confirmed(&d, a, s)
		}
	})
	if rapid.Bool().Draw(r, "wait") {
		synctest.Wait()
	}
}

func (w *machine) confirmed(d *kapivara.Delivery, a kapivara.Answer, s kapivara.Settled) {
	at := placeOf(d)
	w.fenced(d, s)
	switch {
	case a.Verdict == kapivara.Ack && s.State == kapivara.Committed:
		w.committed[at] = d.Attempt
	case a.Verdict == kapivara.Nak && s.State == kapivara.Hidden:
		if w.operating == 0 { // an operator may have it sent before this is heard
			w.notBefore[at] = s.Until
		}
	case a.Verdict == kapivara.Nak && s.State == kapivara.Parked, a.Verdict == kapivara.Term && s.State == kapivara.Parked,
		a.Verdict == kapivara.Progress && s.State == kapivara.Leased:
	default:
		w.fault(d, "was confirmed as %s after %s", s.State, a.Verdict)
	}
}
