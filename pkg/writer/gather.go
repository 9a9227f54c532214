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
	// Place puts the next part of what waits for a subscriber whose numbers of buckets were changed into the buckets in
	// force, the lowest log positions first, in one transaction. What is placed may be leased at once. It tells as Gather
	// does, and may be called by several writers as well.
	Place(ctx context.Context) (worked bool, finished string, err error)
}

const (
	gatherPoll  = 2 * time.Second
	gatherPause = time.Second // after an error
)

// Gatherer works off backlogs, and places what waits for other buckets, in the background of a writer.
type Gatherer struct {
	backlog Backlog
	done    func(registry bool)
	log     *slog.Logger
	wake    chan struct{}
}

// NewGatherer makes one. done is told each time that streams may be leased by what it has done, and whether the registry
// has changed by it.
func NewGatherer(backlog Backlog, done func(registry bool), log *slog.Logger) *Gatherer {
	return &Gatherer{backlog: backlog, done: done, log: log, wake: make(chan struct{}, 1)}
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
		worked, err := g.work(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			g.log.Warn("gathering or placing what is due to a subscriber fails, going on trying", "err", err)
		}
		failing = err != nil
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause = gatherPause
		case worked:
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

// work does one part. What waits for other buckets goes first: its subscriber is at work.
func (g *Gatherer) work(ctx context.Context) (worked bool, err error) {
	worked, finished, err := g.backlog.Place(ctx)
	if err != nil {
		return false, err
	}
	if worked {
		if finished != "" {
			g.log.Info("what waits for the subscriber is in the buckets in force", "subscriber", finished)
		}
		g.tell(finished != "")
		return true, nil
	}
	worked, finished, err = g.backlog.Gather(ctx)
	if err == nil && finished != "" {
		g.log.Info("gathered what was due before the subscriber was set", "subscriber", finished)
		g.tell(true)
	}
	return worked, err
}

func (g *Gatherer) tell(registry bool) {
	if g.done != nil {
		g.done(registry)
	}
}
