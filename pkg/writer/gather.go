package writer

import (
	"context"
	"log/slog"
	"time"
)

// Backlog holds, for subscribers that were set with a start in the past, what became due before they were set.
type Backlog interface {
	// Gather puts the next part of one subscriber's backlog where due streams wait, in one transaction. It tells
	// whether there was any, and the subscriber whose backlog it has finished, "" where none is. Several writers may
	// call it at once: each takes another subscriber. What was done is never done twice, whoever is killed when.
	Gather(ctx context.Context) (worked bool, finished string, err error)
}

const (
	gatherPoll  = 2 * time.Second
	gatherPause = time.Second // after an error
)

// Gatherer works off backlogs in the background of a writer.
type Gatherer struct {
	backlog  Backlog
	finished func()
	log      *slog.Logger
	wake     chan struct{}
}

// NewGatherer makes one. finished is told each time a subscriber's backlog is done and the registry has changed by it.
func NewGatherer(backlog Backlog, finished func(), log *slog.Logger) *Gatherer {
	return &Gatherer{backlog: backlog, finished: finished, log: log, wake: make(chan struct{}, 1)}
}

// Wake has it look at once, for instance after a subscriber was set.
func (g *Gatherer) Wake() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends: when it is woken, and every 2 s for what other writers have left.
func (g *Gatherer) Run(ctx context.Context) {
	failing := false // told once, not each second of an outage
	for {
		pause := gatherPoll
		worked, finished, err := g.backlog.Gather(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			g.log.Warn("gathering what was due before a subscriber was set fails, going on trying", "err", err)
		}
		failing = err != nil
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause = gatherPause
		case worked:
			if finished != "" {
				g.log.Info("gathered what was due before the subscriber was set", "subscriber", finished)
				if g.finished != nil {
					g.finished()
				}
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-g.wake:
		case <-time.After(pause):
		}
	}
}
