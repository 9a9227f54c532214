package porttest

import (
	"fmt"
	"time"

	"kapivara/pkg/kapivara"
)

// A dispatcher does no more than this in a second of the bubble's time: what goes round in circles does thousands.
const (
	mostSendings = 100 // of one delivery
	mostTurns    = 1000
)

// pace is what was done since a second began.
type pace struct {
	begun    time.Time
	sendings map[place]int
	turns    int
}

func (p *pace) now() *pace {
	if p.sendings == nil || time.Since(p.begun) >= time.Second {
		*p = pace{begun: time.Now(), sendings: map[place]int{}}
	}
	return p
}

// sendsOften makes sure that nothing goes round in circles of sendings.
func (w *machine) sendsOften(d *kapivara.Delivery) {
	p := w.pace.now()
	if p.sendings[placeOf(d)]++; p.sendings[placeOf(d)] == mostSendings {
		w.fault(d, "was sent %d times within %v", mostSendings, time.Since(p.begun))
	}
}

// turnsOften makes sure that nothing goes round in circles of turns.
func (w *machine) turnsOften() {
	p := w.pace.now()
	if p.turns++; p.turns == mostTurns {
		w.faults = append(w.faults, fmt.Sprintf("there were %d turns within %v", mostTurns, time.Since(p.begun)))
	}
}
