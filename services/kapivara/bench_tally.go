package main

import (
	"math/bits"
	"sync"
	"time"
)

// benchTally is what a load has seen so far.
type benchTally struct {
	began time.Time
	took  time.Duration // set at the end

	mu       sync.Mutex
	events   int64
	requests int64
	again    int64 // requests sent more than once
	streams  int
	finished int
	times    latencies
}

func (t *benchTally) answered(events int, took time.Duration, tries int, finished bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
	t.events += int64(events)
	if tries > 1 {
		t.again++
	}
	if finished {
		t.finished++
	}
	t.times.add(took)
}

// begun notes how many streams there are.
func (t *benchTally) begun(streams int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.streams = streams
}

// latencies counts times in steps of at most 1/32 of the time, so that a load of hours takes no memory.
type latencies struct {
	counts  [64 * latencySteps]int64
	total   int64
	longest time.Duration
}

const (
	latencyBits  = 5
	latencySteps = 1 << latencyBits // of each power of two
)

func (l *latencies) add(d time.Duration) {
	d = max(d, 0)
	l.counts[latencyStep(uint64(d/time.Microsecond))]++ //nolint:gosec // not negative
	l.total++
	l.longest = max(l.longest, d)
}

// latencyStep is in which step a number of microseconds falls.
func latencyStep(us uint64) int {
	over := max(bits.Len64(us)-latencyBits-1, 0)
	return over<<latencyBits + int(us>>over) //nolint:gosec // below 64 times the steps
}

// at is the time that so many thousandths of all do not pass, to the end of its step; 0 of none.
func (l *latencies) at(thousandths int64) time.Duration {
	rank := (l.total*thousandths + 999) / 1000
	var seen int64
	for step, n := range l.counts {
		if seen += n; n > 0 && seen >= rank {
			over := max(step>>latencyBits-1, 0)
			end := time.Duration(step-over<<latencyBits+1)<<over*time.Microsecond - time.Microsecond
			return min(max(end, time.Microsecond), l.longest)
		}
	}
	return 0
}
