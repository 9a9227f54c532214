package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"kapivara/pkg/client"
)

type streamsCommand struct {
	Prefix   string        `arg:"" optional:"" help:"Beginning of the streams' names."`
	In       string        `placeholder:"CONTEXT" help:"Only streams of this context (the first part of their names)."`
	Open     bool          `xor:"state" help:"Only those that are not complete."`
	Complete bool          `xor:"state" help:"Only those that are complete."`
	Idle     time.Duration `placeholder:"DURATION" help:"Only those of which nothing was recorded for so long."`
	Holes    bool          `help:"Only those with missing positions."`
	Number   int           `short:"n" default:"100" help:"At most so many; 0 for all. Defaults to ${default}."`
	JSON     bool          `help:"Print one stream a line."`
}

// Run lists streams by name.
func (cmd *streamsCommand) Run(a *session) error {
	a.json = cmd.JSON
	q := client.StreamsQuery{Context: cmd.In, Prefix: cmd.Prefix, Idle: cmd.Idle, Holes: cmd.Holes, Limit: 1000}
	switch {
	case cmd.Open:
		q.State = "open"
	case cmd.Complete:
		q.State = "complete"
	}
	return a.with(func(c *client.Client) error {
		found, more, err := someStreams(a, c, q, cmd.Number)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printLines(a.std.out, found)
		}
		printStreams(a.std.out, found)
		if more {
			fmt.Fprintf(a.std.out, "and more: -n shows more of them\n")
		}
		return nil
	})
}

// someStreams gives the first streams of a list, at most most, 0 for all; more tells that there are others.
func someStreams(a *session, c *client.Client, q client.StreamsQuery, most int) (found []client.StreamState, more bool, err error) {
	if most > 0 {
		q.Limit = min(most+1, 1000)
	}
	found = []client.StreamState{}
	for s, err := range c.AllStreams(a.ctx, q) {
		if err != nil {
			return nil, false, err
		}
		if most > 0 && len(found) == most {
			return found, true, nil
		}
		found = append(found, s)
	}
	return found, false, nil
}

func printStreams(to io.Writer, found []client.StreamState) {
	t := newTable(to, "STREAM", "VERSION", "CONTIGUOUS", "FINISH", "STATE", "LAST RECORDED", "MISSING")
	for _, s := range found {
		state := "open"
		if s.Complete {
			state = "complete"
		}
		t.row(s.Stream, s.Version, s.Contiguous, orDash(s.Finish), state, clock(s.LastRecorded), ranges(s.Missing))
	}
	t.flush()
}

// printLines prints each item as a line of JSON.
func printLines[T any](to io.Writer, items []T) error {
	for _, item := range items {
		text, err := json.Marshal(item)
		if err != nil {
			return err
		}
		fmt.Fprintf(to, "%s\n", text)
	}
	return nil
}
