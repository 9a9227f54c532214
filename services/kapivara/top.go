package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
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

// Help says which keys there are.
func (*topCommand) Help() string {
	return `On a terminal: q ends it, the arrows (or j and k) choose a subscriber, whose buckets are then shown alone, Esc
shows all, s sorts by the next column, p pauses, ? shows the keys.`
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
		ctx, end := context.WithCancel(a.ctx)
		defer end()
		t := &top{
			out: a.std.out, json: cmd.JSON, most: most, look: func(ctx context.Context) (topSample, error) {
				return lookTop(ctx, c, cmd.Subscriber)
			},
		}
		if live {
			var restore func()
			t.screen, t.columns = screenSize(a.std.in)
			t.keys, restore = readKeys(ctx, a.std.in)
			defer restore()
		}
		tick := time.NewTicker(cmd.Every)
		defer tick.Stop()
		return t.run(ctx, tick.C)
	})
}

// top draws frames.
type top struct {
	out    io.Writer
	json   bool
	most   int // frames, 0 without limit
	screen int // lines of the terminal, 0 where it is none
	look   func(context.Context) (topSample, error)
	// Of the terminal: its columns, 0 where they are not known, and the keys that are pressed, nil where nobody can.
	columns int
	keys    <-chan key

	before *topSample
	frame  topFrame
	view   topView
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

// looked is what a look has come to.
type looked struct {
	sample topSample
	err    error
}

// run draws a frame at once and at each tick, and again when a key has changed the view. What fails later is noted in the
// frame, and tried again.
func (t *top) run(ctx context.Context, tick <-chan time.Time) error {
	if t.screen > 0 {
		fmt.Fprint(t.out, screenOpen)
		defer fmt.Fprint(t.out, screenClose)
	}
	ctx, end := context.WithCancel(ctx)
	found := make(chan looked)
	var looks sync.WaitGroup
	defer looks.Wait()
	defer end()
	look := func() {
		looks.Go(func() {
			sample, err := t.look(ctx)
			select {
			case found <- looked{sample, err}:
			case <-ctx.Done():
			}
		})
	}
	look()
	var next <-chan time.Time // nil while a look is on its way
	for drawn := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case k := <-t.keys:
			if t.view.press(k, &t.frame) {
				return nil
			}
			if t.before != nil {
				if err := t.draw(); err != nil {
					return err
				}
			}
		case l := <-found:
			if ctx.Err() != nil {
				return nil // that is why the look has failed
			}
			if err := t.take(l); err != nil {
				return err
			}
			if drawn++; drawn == t.most {
				return nil
			}
			next = tick
		case <-next:
			if !t.view.paused {
				next = nil
				look()
			}
		}
	}
}

// take draws what was seen; what was not is said in the frame before.
func (t *top) take(l looked) error {
	switch {
	case l.err != nil && t.before == nil:
		return l.err
	case l.err != nil:
		t.note = l.err.Error()
		if t.json {
			return nil // a line is a frame that was seen
		}
	default:
		t.note = ""
		t.frame, t.before = l.sample.since(t.before), &l.sample
	}
	return t.draw()
}

func (t *top) draw() error {
	if t.json {
		text, err := json.Marshal(t.frame)
		if err == nil {
			_, err = fmt.Fprintf(t.out, "%s\n", text)
		}
		return err
	}
	lines := topLines(t.frame, &t.view, t.screen, t.note)
	if t.screen == 0 {
		for _, line := range lines {
			fmt.Fprintln(t.out, line)
		}
		return nil
	}
	text := screenHome
	for _, line := range lines {
		text += fitted(line, t.columns) + lineEnd
	}
	_, err := fmt.Fprint(t.out, text+screenEnd)
	return err
}
