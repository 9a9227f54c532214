package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// cli is the tree of commands. What runs the services is added by serverCommands.
type cli struct {
	Connection connection `embed:"" group:"Connection"`

	Append    appendCommand    `cmd:"" group:"Events" help:"Store an event in a stream."`
	Read      readCommand      `cmd:"" group:"Events" help:"Show the events of a stream."`
	Log       logCommand       `cmd:"" group:"Events" help:"Show the log: every event in the order in which it was stored."`
	Event     eventCommand     `cmd:"" group:"Events" help:"Show one event by its id."`
	Import    importCommand    `cmd:"" group:"Events" help:"Store an event log from a file (JSON Lines, CSV, XES)."`
	Streams   streamsCommand   `cmd:"" group:"Streams" help:"List streams."`
	Stuck     stuckCommand     `cmd:"" group:"Streams" help:"Show what does not move: streams with holes, idle streams, parked deliveries."`
	Explain   explainCommand   `cmd:"" group:"Streams" help:"Tell why a stream was delivered, or why not, and what to do."`
	Subscribe subscribeCommand `cmd:"" group:"Deliveries" help:"Receive deliveries and answer them."`
	Next      nextCommand      `cmd:"" group:"Deliveries" help:"Pull deliveries, and answer them."`
	Bucket    bucketCommand    `cmd:"" group:"Deliveries" help:"Show the buckets of a subscriber, or the deliveries of one."`
	Top       topCommand       `cmd:"" group:"Deliveries" help:"Watch subscribers and buckets: lag, owners, rates; again each second."`
	Settle    settleCommand    `cmd:"" group:"Deliveries" help:"Answer a delivery by its token."`
	Resize    resizeCommand    `cmd:"" group:"Deliveries" help:"Change the number of buckets of a subscriber while it works."`
	Hide      hideCommand      `cmd:"" group:"Deliveries" help:"Hold deliveries back until a time."`
	Park      parkCommand      `cmd:"" group:"Deliveries" help:"Set deliveries aside, until they are retried."`
	Retry     retryCommand     `cmd:"" group:"Deliveries" help:"Have deliveries that are parked or hidden sent again."`
	Discard   discardCommand   `cmd:"" group:"Deliveries" help:"Give deliveries up, for good."`
	Replay    replayCommand    `cmd:"" group:"Deliveries" help:"Send streams of a part of the log to a subscriber once more."`

	AppendMany appendManyCommand `cmd:"" group:"Events" help:"Store events in several streams, all or nothing, on conditions."`

	Subscriber subscriberCommand `cmd:"" aliases:"sub" group:"Registry" help:"Set, show, list and remove subscribers."`
	Publisher  publisherCommand  `cmd:"" aliases:"pub" group:"Registry" help:"Set, show, list and remove publishers."`
	EventType  eventTypeCommand  `cmd:"" aliases:"type" group:"Registry" help:"Set, show, list and remove event types."`

	Bench   benchCommand   `cmd:"" group:"Run" help:"Load a running installation with appends, and show how fast it answers."`
	Demo    demoCommand    `cmd:"" group:"Run" help:"See it work: an event bus of its own, a sample log, a subscriber, and a check of the result."`
	Version versionCommand `cmd:"" group:"Run" help:"Show the version."`
}

const about = `Kapivara is an event store and an event bus: it stores events for ever and hands each finished stream,
whole and in order, to every subscriber.

Exit status: 0 done, 1 refused (the code is on stderr), 2 wrong use, 3 unreachable.`

// run runs one command and gives its exit status.
func run(ctx context.Context, args []string, std streams) int {
	var root cli
	options := append([]kong.Option{
		kong.Name("kapivara"),
		kong.Description(about),
		kong.Writers(std.out, std.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 110}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "Run", Title: "Run:"},
			{Key: "Events", Title: "Events:"},
			{Key: "Streams", Title: "Streams:"},
			{Key: "Deliveries", Title: "Deliveries:"},
			{Key: "Registry", Title: "Registry:"},
			{Key: "Connection", Title: "Connection (as the nats command has them):"},
		}),
	}, serverCommands()...)
	parser, err := kong.New(&root, options...)
	if err != nil {
		fmt.Fprintln(std.err, "kapivara:", err)
		return statusWrongUse
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return wrongUse(std.err, err)
	}
	a := &session{ctx: ctx, std: std, connection: root.Connection}
	return report(std.err, a.json, parsed.Run(a))
}

// wrongUse says what is wrong with the arguments, and where help is.
func wrongUse(to io.Writer, err error) int {
	help := "kapivara --help"
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil && wrong.Context.Selected() != nil {
		help = wrong.Context.Selected().FullPath() + " --help"
	}
	fmt.Fprintf(to, "kapivara: %v\nsee %s\n", err, help)
	return statusWrongUse
}

// session is what every command has.
type session struct {
	ctx        context.Context
	std        streams
	connection connection
	json       bool // errors go out as JSON
}

// isTerminal tells whether people look at the writer.
func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
