package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"kapivara/pkg/client"
)

type appendManyCommand struct {
	File string `arg:"" help:"The request as JSON: {\"appends\": [{\"stream\", \"expect\", \"events\": [{\"id\", \"type\", \"data\"}]}], \"conditions\": [{\"stream\", \"expect\"}]}; - is stdin. Each event has an id, so that the same file sent again stores nothing twice."`

	Publisher string `default:"cli" env:"KAPIVARA_PUBLISHER" help:"In whose name. Defaults to ${default}."`
	JSON      bool   `help:"Print the reply as JSON."`
}

// Run appends to all streams of the request, or to none, and prints the places of the events.
func (cmd *appendManyCommand) Run(a *session) error {
	a.json = cmd.JSON
	text, err := cmd.read(a)
	if err != nil {
		return err
	}
	request, err := client.ParseAppendMany(text)
	if err != nil {
		return err
	}
	return a.with(func(c *client.Client) error {
		result, err := cmd.send(a, c, request)
		if client.CodeOf(err) == client.OutcomeUnknown {
			fmt.Fprintln(a.std.err, "whether it is stored is not known; the same again tells")
		}
		if err != nil {
			return err
		}
		cmd.print(a.std.out, result)
		return nil
	})
}

func (cmd *appendManyCommand) read(a *session) ([]byte, error) {
	if cmd.File == "-" {
		text, err := io.ReadAll(a.std.in)
		if err != nil {
			return nil, fmt.Errorf("read stdin: %w", err)
		}
		return text, nil
	}
	text, err := os.ReadFile(cmd.File)
	if err != nil {
		return nil, usageError{err}
	}
	return text, nil
}

// send asks again while the service is busy, until the time-out. Who is not there is not waited for.
func (cmd *appendManyCommand) send(a *session, c *client.Client, m client.AppendMany) (result client.AppendManyResult, err error) {
	ctx, cancel := context.WithTimeout(a.ctx, a.connection.Timeout)
	defer cancel()
	var unreachable error
	err = client.Retry(ctx, func(ctx context.Context) error {
		var err error
		if result, err = c.AppendMany(ctx, cmd.Publisher, m); client.IsUnreachable(err) {
			unreachable, err = err, nil
		}
		return err
	})
	return result, errors.Join(err, unreachable)
}

func (cmd *appendManyCommand) print(to io.Writer, result client.AppendManyResult) {
	if cmd.JSON {
		fmt.Fprintf(to, "%s\n", client.AppendManyResultJSON(&result))
		return
	}
	if len(result.Appends) == 0 {
		fmt.Fprintln(to, "all conditions hold")
		return
	}
	t := newTable(to, "STREAM", "POSITION", "LOG", "EVENT", "")
	for _, r := range result.Appends {
		for _, e := range r.Events {
			how := "stored"
			if !e.Stored {
				how = "repeat"
			}
			t.row(r.Stream, e.Position, e.LogPosition, e.ID, how)
		}
	}
	t.flush()
}
