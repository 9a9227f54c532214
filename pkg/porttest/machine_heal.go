package porttest

import (
	"time"

	"kapivara/pkg/kapivara"
)

// machinePatience is for what is hidden by an operator for a minute, a claim that ends, and a backoff or two (I-11).
const machinePatience = 2 * time.Minute

// heal lets everybody listen and acknowledge. Then all that was due was delivered, each of it is settled or parked, and
// nothing waits but behind what is parked; when that is given up, nothing waits at all.
func (w *machine) heal() {
	w.mu.Lock()
	w.deaf, w.healed, w.slow = false, true, 0
	clear(w.owners.away)
	w.mu.Unlock()
	for w.store.Place() {
	}
	w.link.mu.Lock()
	w.link.unknown = 0
	w.link.mu.Unlock()
	for w.drain(); w.store.Pending() > 0; w.drain() {
		if w.discardParked() == 0 {
			w.fatalf("%d wait although nothing is unsettled or parked", w.store.Pending())
		}
	}
	w.judge()
}

// drain waits until nothing is open and nothing waits but behind what is parked.
func (w *machine) drain() {
	for begun := time.Now(); ; {
		time.Sleep(2 * time.Second)
		w.check(w.r)
		open, parked := w.open()
		if len(open) == 0 && (w.store.Pending() == 0 || parked) {
			return
		}
		if time.Since(begun) > machinePatience {
			for _, n := range open {
				w.errorf("number %d of bucket %s is %s at attempt %d until %v, now is %v", n.Number, n.Due.Bucket, n.Lease.State, n.Lease.Attempt, n.Lease.Until, time.Now())
			}
			w.fatalf("%d wait, %d are open", w.store.Pending(), len(open))
		}
	}
}

func (w *machine) open() (open []kapivara.Numbered, parked bool) {
	for _, n := range w.store.All() {
		if n.Lease.Open() {
			open = append(open, n)
		}
		parked = parked || n.Lease.State == kapivara.Parked
	}
	return open, parked
}

// discardParked gives up what is parked, and tells how many that were. A dispatcher that has just begun may not have the
// duty yet.
func (w *machine) discardParked() int {
	var last error
	for begun := time.Now(); time.Since(begun) < machinePatience; time.Sleep(time.Second) {
		n, err := 0, make(chan error, 1)
		w.link.d.Operate("billing", kapivara.Operation{Verb: kapivara.Discard, State: kapivara.Parked}, func(changed int, failed error) {
			n = changed
			err <- failed
		})
		if last = <-err; last == nil {
			return n
		}
	}
	w.errorf("discard: %v", last)
	return 0
}

// judge holds what was due against what was delivered.
func (w *machine) judge() {
	wholes, grown := map[kapivara.Stream]int{}, map[kapivara.Stream][]kapivara.Numbered{}
	for _, n := range w.store.All() {
		switch n.Cause {
		case kapivara.CauseComplete:
			wholes[n.Name]++
		case kapivara.CauseAppended:
			grown[n.Name] = append(grown[n.Name], n)
		case kapivara.CauseReplay: // comes beside what was due
		}
	}
	for _, name := range w.names {
		s, reached := w.streams[name], reach(grown[name])
		if reached < s.due || reached > s.head.Contiguous || s.due == 0 && reached != 0 || s.whole != (wholes[name] == 1) {
			w.errorf("%s: due up to %d, as a whole %v; growths have reached %d of %d, %d whole ones",
				name, s.due, s.whole, reached, s.head.Contiguous, wholes[name])
		}
	}
}

// reach is how far growths that go on where another has ended have come; -1 where they do not.
func reach(grown []kapivara.Numbered) int {
	ends := map[int]int{}
	for _, n := range grown {
		ends[n.From] = n.To
	}
	at := 0
	for range grown {
		if at = ends[at+1]; at == 0 {
			return -1
		}
	}
	return at
}
