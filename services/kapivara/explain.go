package main

import (
	"fmt"

	"kapivara/pkg/client"
)

type explainCommand struct {
	Stream     string `arg:"" help:"The stream: context/system/type/id."`
	Subscriber string `arg:"" optional:"" help:"Only this subscriber."`
	JSON       bool   `help:"Print the answer as JSON."`
}

// Run tells where a stream stands and what would move it on.
func (cmd *explainCommand) Run(a *session) error {
	a.json = cmd.JSON
	return a.with(func(c *client.Client) error {
		e, err := c.Explain(a.ctx, client.Stream(cmd.Stream), cmd.Subscriber)
		if err != nil {
			return err
		}
		out := a.std.out
		if cmd.JSON {
			fmt.Fprintf(out, "%s\n", e.Raw)
			return nil
		}
		fmt.Fprintln(out, standing(e.State))
		if len(e.Subscribers) == 0 {
			fmt.Fprintln(out, "There is no subscriber.")
		}
		for _, r := range e.Subscribers {
			fmt.Fprintf(out, "\n%s: %s\n", r.Subscriber, headline(r))
			fmt.Fprintf(out, "  why   %s\n", r.Why)
			for i, step := range nextSteps(e.State.Stream, r) {
				fmt.Fprintf(out, "  %-4s  %s\n", [...]string{"next", ""}[min(i, 1)], step)
			}
		}
		return nil
	})
}

// headline is the state of a delivery with the facts that go with it.
func headline(r client.Reason) string {
	line := string(r.State)
	if line == "" {
		line = "not due"
	}
	line += " (" + r.Code + ")"
	if r.Number > 0 {
		line += fmt.Sprintf(", delivery %s/%s/%d, attempt %d", r.Subscriber, r.Bucket, r.Number, r.Attempt)
	} else if r.Bucket != "" {
		line += ", bucket " + r.Bucket
	}
	if !r.Until.IsZero() {
		line += ", until " + clock(r.Until)
	}
	if !r.Committed.IsZero() {
		line += ", committed " + clock(r.Committed)
	}
	return line
}
