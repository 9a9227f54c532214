package main

import (
	"fmt"
	"io"
	"strings"

	"kapivara/pkg/client"
)

type readCommand struct {
	Stream   string `arg:"" help:"The stream: context/system/type/id."`
	From     int    `placeholder:"N" help:"First position."`
	To       int    `placeholder:"N" help:"Last position."`
	Number   int    `short:"n" placeholder:"N" help:"At most so many events."`
	Backward bool   `help:"From the last one backward."`
	Since    string `placeholder:"WHEN" help:"Recorded since then: a time (RFC 3339), or how long ago (1h30m)."`
	Until    string `placeholder:"WHEN" help:"Recorded until then."`
	JSON     bool   `help:"Print one CloudEvent a line."`
}

// Run prints the stream page by page.
func (cmd *readCommand) Run(a *session) error {
	a.json = cmd.JSON
	q := client.StreamQuery{Stream: client.Stream(cmd.Stream), From: cmd.From, To: cmd.To, Backward: cmd.Backward}
	var err error
	if q.Since, err = when(cmd.Since); err != nil {
		return err
	}
	if q.Until, err = when(cmd.Until); err != nil {
		return err
	}
	return a.with(func(c *client.Client) error {
		left := cmd.Number
		for first := true; ; first = false {
			if q.Limit = 1000; left > 0 {
				q.Limit = min(left, q.Limit)
			}
			page, err := c.Stream(a.ctx, q)
			if err != nil {
				return err
			}
			if first && !cmd.JSON {
				fmt.Fprintln(a.std.out, standing(page.State))
			}
			printEvents(a.std.out, page.Events, cmd.JSON)
			left -= len(page.Events)
			if q.Cursor = page.Next; q.Cursor == "" || cmd.Number > 0 && left <= 0 {
				return nil
			}
		}
	})
}

// standing says in a line how a stream stands.
func standing(s client.StreamState) string {
	parts := []string{fmt.Sprintf("version %d", s.Version), fmt.Sprintf("contiguous %d", s.Contiguous)}
	switch {
	case s.Complete:
		parts = append(parts, fmt.Sprintf("finish %d", s.Finish), "complete")
	case s.Finish > 0:
		parts = append(parts, fmt.Sprintf("finish %d", s.Finish), "open")
	default:
		parts = append(parts, "open")
	}
	if len(s.Missing) > 0 {
		parts = append(parts, "missing "+ranges(s.Missing))
	}
	if s.Canary {
		parts = append(parts, "canary")
	}
	return string(s.Stream) + ": " + strings.Join(parts, ", ")
}

// printEvents prints the events of one stream.
func printEvents(to io.Writer, events []client.Event, asJSON bool) {
	if asJSON {
		for i := range events {
			fmt.Fprintf(to, "%s\n", client.EventJSON(&events[i]))
		}
		return
	}
	if len(events) == 0 {
		return
	}
	t := newTable(to, eventColumns()...)
	for i := range events {
		t.row(eventCells(&events[i])...)
	}
	t.flush()
}

func eventColumns() []any { return []any{"POSITION", "TYPE", "TIME", "LOG", "DATA"} }

func eventCells(e *client.Event) []any {
	return []any{place(e), e.Type, e.Time, e.LogPosition, dataOf(e)}
}

// place shows a position, with an end mark on the final one.
func place(e *client.Event) string {
	if e.Final {
		return fmt.Sprintf("%d end", e.Position)
	}
	return fmt.Sprint(e.Position)
}

// dataOf shows an event's data in a line.
func dataOf(e *client.Event) string {
	switch e.Kind {
	case client.JSONData:
		return clip(strings.Join(strings.Fields(string(e.Data)), " "), 100)
	case client.BinaryData:
		return fmt.Sprintf("%d bytes", len(e.Data))
	default:
		return ""
	}
}
