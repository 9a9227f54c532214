package main

import (
	"fmt"
	"strings"
	"time"

	"kapivara/pkg/client"
)

type benchCommand struct {
	For        time.Duration `default:"10s" help:"How long. Defaults to ${default}."`
	Rate       int           `default:"100" placeholder:"N" help:"Events a second; 0 is as many as are answered. Defaults to ${default}."`
	Size       int           `default:"100" placeholder:"BYTES" help:"Data of an event. Defaults to ${default}."`
	Streams    int           `default:"100" placeholder:"N" help:"Streams that are written side by side. Defaults to ${default}."`
	Length     int           `default:"5" placeholder:"N" help:"Events of a stream, the last one final; 0 leaves the streams open. Defaults to ${default}."`
	PerRequest int           `default:"1" placeholder:"N" help:"Events of a request. Defaults to ${default}."`
	InFlight   int           `default:"128" placeholder:"N" help:"Requests on their way at once, at most. Defaults to ${default}."`
	Into       string        `default:"bench/load/run" placeholder:"CONTEXT/SYSTEM/TYPE" help:"First parts of the streams' names. Defaults to ${default}."`
	Publisher  string        `default:"bench" env:"KAPIVARA_PUBLISHER" help:"In whose name. Defaults to ${default}."`
	Type       string        `default:"bench.load" help:"Event type. Defaults to ${default}."`
	JSON       bool          `help:"Print the figures as JSON."`
}

// Help says what kong shows below the usage.
func (*benchCommand) Help() string {
	return `The events stay in the store, as all events do, and their streams go to every subscriber that they fit: load an
installation that is there for it. A time is from the moment at which a request was due, so that one that had to wait for
those before it counts its wait.`
}

// Run loads the installation, and prints what it saw. Ctrl-C ends the load early.
func (cmd *benchCommand) Run(a *session) error {
	a.json = cmd.JSON
	if err := cmd.validate(); err != nil {
		return err
	}
	return a.with(func(c *client.Client) error {
		l := newBenchLoad(cmd, c)
		progress := startBenchProgress(a.std.err, cmd, &l.tally)
		err := l.run(a.ctx)
		progress.stop()
		s := l.tally.summary(cmd)
		if cmd.JSON {
			if failed := printLines(a.std.out, []benchSummary{s}); failed != nil {
				return failed
			}
		} else {
			s.print(a.std.out)
		}
		if err == nil && a.ctx.Err() != nil {
			return statusError(statusInterrupted)
		}
		return err
	})
}

func (cmd *benchCommand) validate() error {
	switch {
	case cmd.For <= 0:
		return usage("--for is more than 0")
	case cmd.Rate < 0:
		return usage("--rate is 0 or more")
	case cmd.Size < 2:
		return usage("--size is 2 or more: an event's data is a JSON string")
	case cmd.Streams < 1 || cmd.InFlight < 1:
		return usage("--streams and --in-flight are 1 or more")
	case cmd.PerRequest < 1 || cmd.PerRequest > 1000:
		return usage("--per-request is 1 to 1000")
	case cmd.Length < 0 || cmd.Length%cmd.PerRequest != 0:
		return usage("--length is a multiple of --per-request, which is %d", cmd.PerRequest)
	}
	if _, err := client.ParseStream(cmd.Into + "/x"); err != nil {
		return usage("--into %s: %w", cmd.Into, err)
	}
	return nil
}

// data is that of every event: a JSON string of the asked size.
func (cmd *benchCommand) data() []byte {
	return fmt.Appendf(nil, "%q", strings.Repeat("x", cmd.Size-2))
}
