package main

import (
	"fmt"
	"io"
	"time"
)

// startBenchProgress shows how a load goes: a line that is written anew for people, a line now and then for a log.
func startBenchProgress(to io.Writer, cmd *benchCommand, tally *benchTally) *progress {
	p := &progress{end: make(chan struct{}), ended: make(chan struct{})}
	began := time.Now()
	terminal := isTerminal(to)
	every := 5 * time.Second
	if terminal {
		every = 200 * time.Millisecond
	}
	var seen int64
	at := began
	go func() {
		defer close(p.ended)
		p.each(every, func(last bool) {
			switch {
			case last && terminal:
				fmt.Fprint(to, "\r\x1b[K")
			case !last:
				line, events := tally.line(began, cmd.For, at, seen)
				at, seen = time.Now(), events
				if terminal {
					fmt.Fprintf(to, "\r%s\x1b[K", line)
				} else {
					fmt.Fprintln(to, line)
				}
			}
		})
	}()
	return p
}

// line is what has been done since began, and the rate since at, when so many events had been stored.
func (t *benchTally) line(began time.Time, length time.Duration, at time.Time, seen int64) (text string, events int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	rate := float64(t.events-seen) / max(now.Sub(at).Seconds(), 0.001)
	return fmt.Sprintf("%s of %s: %s events, %s/s, p50 %v, p99 %v", now.Sub(began).Round(time.Second), short(length), thousands(t.events),
		thousands(int64(rate)), t.times.at(500).Round(10*time.Microsecond), t.times.at(990).Round(10*time.Microsecond)), t.events
}
