package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"kapivara/pkg/client"
)

// demoView shows the buckets of the demo's subscriber: live for people, as a few lines otherwise.
type demoView struct {
	cancel context.CancelFunc
	ended  chan struct{}
	once   sync.Once
}

func startDemoView(ctx context.Context, a *session, c *client.Client) *demoView {
	ctx, cancel := context.WithCancel(ctx)
	v := &demoView{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(v.ended)
		v.watch(ctx, a, c)
	}()
	return v
}

// stop shows the buckets a last time. Stopping twice is fine.
func (v *demoView) stop() {
	v.once.Do(func() {
		v.cancel()
		<-v.ended
	})
}

func (v *demoView) watch(ctx context.Context, a *session, c *client.Client) {
	live := isTerminal(a.std.out)
	every := 250 * time.Millisecond
	if live {
		every = 100 * time.Millisecond
	} else {
		fmt.Fprintln(a.std.out, "bucket: waiting/committed")
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for drawn, before := 0, ""; ; {
		state, err := c.SubscriberState(context.WithoutCancel(ctx), demoSubscriber, client.SubscriberQuery{Limit: 1})
		switch {
		case err != nil: // it is only a view; the check at the end tells
		case live:
			draw(a, state.Buckets, drawn)
			drawn = len(state.Buckets)
		default:
			if text := line(state.Buckets); text != before {
				fmt.Fprintln(a.std.out, text)
				before = text
			}
		}
		if ctx.Err() != nil {
			fmt.Fprintln(a.std.out)
			return
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// draw draws a bar for each bucket, over those drawn before.
func draw(a *session, buckets []client.BucketState, drawn int) {
	const width = 50
	perCell := 1
	for _, b := range buckets {
		perCell = max(perCell, (int(b.Lag+b.Committed)+width-1)/width)
	}
	if drawn > 0 {
		fmt.Fprintf(a.std.out, "\x1b[%dA", drawn)
	}
	for _, b := range buckets {
		done := min(int(b.Committed)/perCell, width)
		waiting := min(int(b.Lag)/perCell, width-done)
		fmt.Fprintf(a.std.out, "\r\x1b[Kbucket %-2s %s%s%s %3d waiting %3d committed\n", b.Bucket,
			strings.Repeat("█", done), strings.Repeat("▒", waiting), strings.Repeat(" ", width-done-waiting), b.Lag, b.Committed)
	}
}

// line is all buckets in a line.
func line(buckets []client.BucketState) string {
	cells := make([]string, len(buckets))
	for i, b := range buckets {
		cells[i] = fmt.Sprintf("%s: %d/%d", b.Bucket, b.Lag, b.Committed)
	}
	return strings.Join(cells, "   ")
}
