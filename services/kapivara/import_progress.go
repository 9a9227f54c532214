package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"kapivara/services/kapivara/importlog"
)

// progress shows how far an import is: a bar for people, a line now and then for a log.
type progress struct {
	end, ended chan struct{}
}

func startProgress(to io.Writer, log *importlog.Log, tally *importTally) *progress {
	p := &progress{end: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		if isTerminal(to) {
			p.bar(to, log, tally)
			return
		}
		p.lines(to, log, tally)
	}()
	return p
}

func (p *progress) stop() {
	close(p.end)
	<-p.ended
}

// each calls show at every tick, and once at the end.
func (p *progress) each(every time.Duration, show func(last bool)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			show(false)
		case <-p.end:
			show(true)
			return
		}
	}
}

func (p *progress) bar(to io.Writer, log *importlog.Log, tally *importTally) {
	_, total := log.Progress()
	bar := progressbar.NewOptions64(max(total, 1),
		progressbar.OptionSetWriter(to), progressbar.OptionSetPredictTime(true), progressbar.OptionSetElapsedTime(true),
		progressbar.OptionSetWidth(30), progressbar.OptionShowDescriptionAtLineEnd(), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond),
	)
	rate := newRate(tally)
	p.each(200*time.Millisecond, func(last bool) {
		if last {
			_ = bar.Finish()
			return
		}
		read, _ := log.Progress()
		bar.Describe(fmt.Sprintf("%s events, %s/s", thousands(tally.answered()), thousands(rate.now())))
		_ = bar.Set64(min(read, total-1))
	})
}

func (p *progress) lines(to io.Writer, log *importlog.Log, tally *importTally) {
	rate := newRate(tally)
	p.each(5*time.Second, func(last bool) {
		read, total := log.Progress()
		if last || total == 0 || read == 0 {
			return
		}
		left := time.Duration(float64(time.Since(tally.started)) * float64(total-read) / float64(read))
		fmt.Fprintf(to, "%s events, %d %%, %s/s, about %s left\n",
			thousands(tally.answered()), 100*read/total, thousands(rate.now()), left.Round(time.Second))
	})
}

// rate is how many events a second are answered, over the last few seconds.
type rate struct {
	tally  *importTally
	times  []time.Time
	counts []int64
}

func newRate(tally *importTally) *rate {
	return &rate{tally: tally, times: []time.Time{tally.started}, counts: []int64{0}}
}

func (r *rate) now() int64 {
	const kept = 25
	r.times, r.counts = append(r.times, time.Now()), append(r.counts, r.tally.answered())
	if len(r.times) > kept {
		r.times, r.counts = r.times[1:], r.counts[1:]
	}
	took := r.times[len(r.times)-1].Sub(r.times[0])
	if took <= 0 {
		return 0
	}
	return int64(float64(r.counts[len(r.counts)-1]-r.counts[0]) / took.Seconds())
}
