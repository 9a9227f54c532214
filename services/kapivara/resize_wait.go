package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"kapivara/pkg/client"
)

const (
	placingPause    = 500 * time.Millisecond // between two looks at how far it is, at most
	placingLine     = 5 * time.Second        // between two lines in a log
	placingPatience = 30 * time.Second       // with a bus that does not answer
)

// wait waits until all that waits for the subscriber is in its bucket, and shows how far that is.
func (cmd *resizeCommand) wait(a *session, c *client.Client) error {
	shown := placingView{to: a.std.err, terminal: isTerminal(a.std.err), began: time.Now()}
	if cmd.JSON {
		shown.to = io.Discard
	}
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, placingPause) {
		m, err := cmd.placing(a.ctx, c)
		if err != nil {
			shown.end()
			if !cmd.JSON {
				fmt.Fprintf(a.std.err, "%s is resized; what waits goes on being placed in the background: kapivara subscriber get %s\n",
					cmd.Subscriber, cmd.Subscriber)
			}
			return err
		}
		if m == nil {
			shown.end()
			if !cmd.JSON {
				fmt.Fprintln(a.std.out, "all that waits is placed by these numbers")
			}
			return nil
		}
		shown.show(*m, time.Now())
		select {
		case <-a.ctx.Done():
		case <-time.After(pause):
		}
	}
}

// placing reads how far it is, nil where all is placed.
func (cmd *resizeCommand) placing(ctx context.Context, c *client.Client) (m *client.Moving, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, placingPatience)
	defer cancel()
	err = client.Retry(within, func(ctx context.Context) error {
		state, err := c.SubscriberState(ctx, cmd.Subscriber, client.SubscriberQuery{Limit: 1})
		m = state.Moving
		return err
	})
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return m, err
}

// placingView shows how far it is: one line that is written over for people, a line now and then for a log.
type placingView struct {
	to       io.Writer
	terminal bool
	began    time.Time
	first    *client.Moving // at the first look
	last     time.Time      // when a line was written
	open     bool           // a line stands that is to be written over
}

func (v *placingView) show(m client.Moving, now time.Time) {
	if v.first == nil || m.Until != v.first.Until || m.Placed < v.first.Placed { // it begins, or was changed anew
		v.first, v.began = &m, now
	}
	line := placingLineOf(*v.first, m, now.Sub(v.began))
	switch {
	case v.terminal:
		fmt.Fprintf(v.to, "\r\x1b[K%s", line)
		v.open = true
	case v.last.IsZero():
		v.last = now // the first line once it takes long
	case now.Sub(v.last) >= placingLine:
		fmt.Fprintln(v.to, line)
		v.last = now
	}
}

// end takes the line away that stands.
func (v *placingView) end() {
	if v.open {
		fmt.Fprint(v.to, "\r\x1b[K")
		v.open = false
	}
}

// placingLineOf says how far it is, and how long the rest takes at the pace since the first look.
func placingLineOf(first, now client.Moving, took time.Duration) string {
	done, all := now.Placed-first.Placed, now.Until-first.Placed
	line := fmt.Sprintf("placed up to log position %s of %s, %d %%", thousands(now.Placed), thousands(now.Until), 100*now.Placed/max(now.Until, 1))
	if done <= 0 || took <= 0 {
		return line
	}
	left := time.Duration(float64(took) * float64(all-done) / float64(done))
	return line + ", about " + left.Round(time.Second).String() + " left"
}
