package main

import (
	"fmt"
	"time"

	"kapivara/pkg/client"
	"kapivara/services/kapivara/importlog"
)

type importCommand struct {
	File string `arg:"" help:"The log: JSON Lines, CSV or XES, plain or gzip; - is stdin. One case becomes one stream, its last event is final."`

	Into      string `placeholder:"CONTEXT/SYSTEM/TYPE" help:"First parts of the streams' names; the case is the last. Defaults to import/<name of the file>/case."`
	Publisher string `default:"import" env:"KAPIVARA_PUBLISHER" help:"In whose name. Defaults to ${default}."`
	Open      bool   `help:"Leave the streams open: no event is final unless the log says so."`

	Format     string `enum:",jsonl,csv,xes" default:"" placeholder:"jsonl|csv|xes" help:"How the log is written. Defaults to what the file's name or its beginning tells." group:"Columns"`
	Case       string `placeholder:"COLUMN" help:"Column of the case. Defaults to stream, case:concept:name, case_id, case …" group:"Columns"`
	Type       string `placeholder:"COLUMN" help:"Column of the event type. Defaults to type, concept:name, activity …" group:"Columns"`
	Time       string `placeholder:"COLUMN" help:"Column of the time. Defaults to occurred_on, time:timestamp, timestamp, time …" group:"Columns"`
	ID         string `placeholder:"COLUMN" help:"Column of the event id. Defaults to id in JSON Lines; else an id is made of log, case and position, the same each time." group:"Columns"`
	Log        string `placeholder:"NAME" help:"Name of the log in the ids that are made. Defaults to what --into is." group:"Columns"`
	Delimiter  string `placeholder:"CHARACTER" help:"Between the columns of a CSV file. Defaults to the one that the header has most of." group:"Columns"`
	TimeLayout string `placeholder:"LAYOUT" help:"How times are written that are not like RFC 3339, by Go's example: 02.01.2006 15:04." group:"Columns"`
	Lifecycle  bool   `help:"XES: join lifecycle:transition to the type, as activity/transition." group:"Columns"`

	InFlight   int           `default:"128" help:"Requests on their way at once. Defaults to ${default}." group:"Flow"`
	PerRequest int           `default:"100" help:"Events of one stream in a request, at most. Defaults to ${default}." group:"Flow"`
	Patience   time.Duration `default:"2m" help:"How long to ask again while the services are busy or out of reach. Defaults to ${default}." group:"Flow"`
	DryRun     bool          `help:"Read the log and tell what it holds; store nothing." group:"Flow"`
	JSON       bool          `help:"Print the summary as JSON."`
}

// Run imports the log and prints a summary. What is stored already is answered as a repeat: it may be run again.
func (cmd *importCommand) Run(a *session) error {
	a.json = cmd.JSON
	prefix, err := cmd.prefix()
	if err != nil {
		return err
	}
	name := cmd.Log
	if name == "" {
		name = prefix
	}
	log, err := importlog.Open(cmd.File, importlog.Options{
		Format: importlog.Format(cmd.Format), Log: name, Case: cmd.Case, Type: cmd.Type, Time: cmd.Time, ID: cmd.ID,
		Delimiter: cmd.Delimiter, TimeLayout: cmd.TimeLayout, Lifecycle: cmd.Lifecycle,
	})
	if err != nil {
		return usageError{err}
	}
	defer func() { _ = log.Close() }()
	if cmd.DryRun {
		return cmd.load(a, log, prefix, nil)
	}
	return a.with(func(c *client.Client) error { return cmd.load(a, log, prefix, c) })
}

func (cmd *importCommand) prefix() (string, error) {
	if cmd.InFlight < 1 || cmd.PerRequest < 1 || cmd.PerRequest > 1000 {
		return "", usage("--in-flight is 1 or more, --per-request 1 to 1000")
	}
	prefix := cmd.Into
	if prefix == "" {
		prefix = "import/" + importlog.LogName(cmd.File) + "/case"
	}
	if _, err := client.ParseStream(prefix + "/x"); err != nil {
		return "", usage("--into %s: %w", prefix, err)
	}
	return prefix, nil
}

// load sends the log and tells what has come of it. Without a client it counts only.
func (cmd *importCommand) load(a *session, log *importlog.Log, prefix string, c *client.Client) error {
	l := newLoader(cmd, prefix, c)
	progress := startProgress(a.std.err, log, &l.tally)
	err := l.run(a.ctx, log)
	progress.stop()
	summary := l.tally.summary()
	summary.File, summary.Into = cmd.File, prefix
	if summary.DryRun = cmd.DryRun; cmd.DryRun {
		summary.Stored = 0
	}
	if cmd.JSON {
		if err := printLines(a.std.out, []importSummary{summary}); err != nil {
			return err
		}
	} else {
		summary.print(a.std.out)
	}
	switch {
	case err != nil && a.ctx.Err() != nil:
		fmt.Fprintln(a.std.err, "interrupted: the same command again goes on, and stores nothing twice")
		return statusError(statusInterrupted)
	case err != nil:
		fmt.Fprintln(a.std.err, "not finished: the same command again goes on, and stores nothing twice")
		return err
	case summary.Refused > 0 || summary.Unreadable > 0:
		return statusError(statusRefused)
	}
	return nil
}
