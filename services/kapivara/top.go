package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"kapivara/pkg/client"
)

type topCommand struct {
	Subscriber []string      `arg:"" optional:"" help:"Only these subscribers."`
	Every      time.Duration `default:"1s" help:"How long a frame stands. Defaults to ${default}."`
	Once       bool          `help:"Print one frame and end; so it is where the output is no terminal."`
	Number     int           `short:"n" placeholder:"N" help:"End after so many frames."`
	JSON       bool          `help:"Print each frame as a line of JSON."`
}

// Run shows the subscribers and their buckets, again and again until Ctrl-C.
func (cmd *topCommand) Run(a *session) error {
	a.json = cmd.JSON
	live := isTerminal(a.std.out) && !cmd.JSON && !cmd.Once
	most := cmd.Number
	if cmd.Once || !live && !cmd.JSON && most == 0 {
		most = 1
	}
	if cmd.Every < 100*time.Millisecond {
		return usage("--every is 100ms or more")
	}
	return a.with(func(c *client.Client) error {
		t := &top{
			out: a.std.out, json: cmd.JSON, most: most, look: func(ctx context.Context) (topSample, error) {
				return lookTop(ctx, c, cmd.Subscriber)
			},
		}
		if live {
			t.screen = screenSize()
		}
		tick := time.NewTicker(cmd.Every)
		defer tick.Stop()
		return t.run(a.ctx, tick.C)
	})
}

// top draws frames.
type top struct {
	out    io.Writer
	json   bool
	most   int // frames, 0 without limit
	screen int // lines of the terminal, 0 where it is none
	look   func(context.Context) (topSample, error)

	before *topSample
	note   string // why the frame is not of now
}

// Of the terminal: another screen without a cursor and back, and to the top left corner.
const (
	screenOpen  = "\x1b[?1049h\x1b[?25l"
	screenClose = "\x1b[?25h\x1b[?1049l"
	screenHome  = "\x1b[H"
	lineEnd     = "\x1b[K\n"
	screenEnd   = "\x1b[J"
)

// run draws a frame at once and at each tick. What fails later is noted in the frame, and tried again.
func (t *top) run(ctx context.Context, tick <-chan time.Time) error {
	if t.screen > 0 {
		fmt.Fprint(t.out, screenOpen)
		defer fmt.Fprint(t.out, screenClose)
	}
	for drawn := 1; ; drawn++ {
		now, err := t.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && t.before == nil:
			return err
		case err != nil:
			t.note = err.Error()
			now = *t.before
		default:
			t.note = ""
		}
		if err := t.draw(&now); err != nil {
			return err
		}
		t.before = &now
		if drawn == t.most {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
		}
	}
}

func (t *top) draw(now *topSample) error {
	if t.json {
		if t.note != "" {
			return nil // a line is a frame that was seen
		}
		text, err := json.Marshal(now.since(t.before))
		if err == nil {
			_, err = fmt.Fprintf(t.out, "%s\n", text)
		}
		return err
	}
	lines := topLines(now.since(t.before), t.screen, t.note)
	if t.screen == 0 {
		for _, line := range lines {
			fmt.Fprintln(t.out, line)
		}
		return nil
	}
	text := screenHome
	for _, line := range lines {
		text += line + lineEnd
	}
	_, err := fmt.Fprint(t.out, text+screenEnd)
	return err
}

// screenSize is how many lines the terminal has, as stty knows it.
func screenSize() int {
	lines := 0
	cmd := exec.Command("stty", "size")
	cmd.Stdin = os.Stdin
	if text, err := cmd.Output(); err == nil {
		_, _ = fmt.Sscan(string(text), &lines)
	}
	if lines < 10 {
		lines = 24
	}
	return lines
}
