package main

import (
	"fmt"
	"slices"

	"kapivara/pkg/client"
)

type logCommand struct {
	In         string   `placeholder:"CONTEXT" help:"Only streams of this context (the first part of their names)."`
	Types      []string `short:"t" sep:"none" placeholder:"TYPE" help:"Only these event types; a prefix ends in *. Given again for more."`
	Streams    []string `sep:"none" placeholder:"STREAM" help:"Only these streams; a prefix ends in *. Given again for more."`
	Publishers []string `sep:"none" placeholder:"NAME" help:"Only from these publishers. Given again for more."`
	After      *int64   `placeholder:"N" help:"From behind this log position on."`
	Since      string   `placeholder:"WHEN" help:"Recorded since then: a time (RFC 3339), or how long ago (1h30m)."`
	Until      string   `placeholder:"WHEN" help:"Recorded until then."`
	Number     *int     `short:"n" placeholder:"N" help:"At most so many events: the last 20 by default, all with --after or --since."`
	Follow     bool     `short:"f" help:"Go on with what is stored from now on, until Ctrl-C."`
	JSON       bool     `help:"Print one CloudEvent a line."`
}

// Run prints a stretch of the log, and follows it.
func (cmd *logCommand) Run(a *session) error {
	a.json = cmd.JSON
	q, err := cmd.query()
	if err != nil {
		return err
	}
	return a.with(func(c *client.Client) error {
		var next int64
		if cmd.After == nil && cmd.Since == "" {
			next, err = cmd.tail(a, c, q)
		} else {
			next, err = cmd.stretch(a, c, q)
		}
		if err != nil || !cmd.Follow {
			return err
		}
		q.After, q.Limit = next, 1000
		for page, err := range c.Follow(a.ctx, q) {
			if err != nil {
				return err
			}
			cmd.print(a, page.Events)
		}
		return nil
	})
}

func (cmd *logCommand) query() (client.LogQuery, error) {
	q := client.LogQuery{Context: cmd.In, Types: cmd.Types, Streams: cmd.Streams, Publishers: cmd.Publishers, Limit: 1000}
	if cmd.After != nil {
		q.After = *cmd.After
	}
	if cmd.Number != nil && *cmd.Number < 0 {
		return q, usage("-n is 0 or more")
	}
	var err error
	if q.Since, err = when(cmd.Since); err != nil {
		return q, err
	}
	q.Until, err = when(cmd.Until)
	return q, err
}

// tail prints the last events, and gives the log's head at which it looked.
func (cmd *logCommand) tail(a *session, c *client.Client, q client.LogQuery) (int64, error) {
	wanted := 20
	if cmd.Number != nil {
		wanted = *cmd.Number
	}
	q.Backward = true
	var head int64
	var found []client.Event
	for {
		q.Limit = max(1, min(wanted-len(found), 1000))
		page, err := c.Log(a.ctx, q)
		if err != nil {
			return 0, err
		}
		head = max(head, page.Head)
		found = append(found, page.Events[:min(len(page.Events), wanted-len(found))]...)
		if q.After = page.Next; !page.More || len(found) >= wanted {
			break
		}
	}
	slices.Reverse(found)
	cmd.print(a, found)
	return head, nil
}

// stretch prints events forward, and gives the log position up to which it looked.
func (cmd *logCommand) stretch(a *session, c *client.Client, q client.LogQuery) (int64, error) {
	for printed := 0; ; {
		if cmd.Number != nil {
			if q.Limit = min(*cmd.Number-printed, 1000); q.Limit <= 0 {
				return q.After, nil
			}
		}
		page, err := c.Log(a.ctx, q)
		if err != nil {
			return 0, err
		}
		cmd.print(a, page.Events)
		printed += len(page.Events)
		if q.After = page.Next; !page.More {
			return q.After, nil
		}
	}
}

func (cmd *logCommand) print(a *session, events []client.Event) {
	for i := range events {
		e := &events[i]
		if cmd.JSON {
			fmt.Fprintf(a.std.out, "%s\n", client.EventJSON(e))
			continue
		}
		fmt.Fprintf(a.std.out, "%-8d %s  %s  %s  %s  %s\n", e.LogPosition, clock(e.Recorded), e.Stream, place(e), e.Type, dataOf(e))
	}
}

type eventCommand struct {
	ID   string `arg:"" help:"The event's id."`
	In   string `placeholder:"CONTEXT" help:"Look only into this context."`
	JSON bool   `help:"Print the CloudEvent."`
}

// Run prints one event.
func (cmd *eventCommand) Run(a *session) error {
	a.json = cmd.JSON
	return a.with(func(c *client.Client) error {
		e, err := c.Event(a.ctx, cmd.In, client.EventID(cmd.ID))
		if err != nil {
			return err
		}
		if cmd.JSON {
			fmt.Fprintf(a.std.out, "%s\n", client.EventJSON(&e))
			return nil
		}
		fmt.Fprintf(a.std.out, "%s, position %d, log %d, publisher %s, recorded %s\n", e.Stream, e.Position, e.LogPosition, e.Publisher, clock(e.Recorded))
		printEvents(a.std.out, []client.Event{e}, false)
		return nil
	})
}
