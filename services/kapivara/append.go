package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"kapivara/pkg/client"
)

type appendCommand struct {
	Stream string  `arg:"" help:"The stream: context/system/type/id, as lending/loans/application/A-1."`
	Type   string  `arg:"" help:"The event type, as application.submitted."`
	Data   *string `arg:"" optional:"" help:"The data, as JSON; - reads it from stdin."`

	Final     bool              `help:"This is the stream's last event: the stream is finished with it."`
	ID        string            `placeholder:"ID" help:"Id of the event; a repeat with the same id stores nothing twice. A new UUID where it is left out."`
	Expect    string            `placeholder:"any|new|exists|N" help:"What the stream must be: new, existing, or of version N."`
	Publisher string            `default:"cli" env:"KAPIVARA_PUBLISHER" help:"In whose name. Defaults to ${default}."`
	Position  int               `placeholder:"N" help:"Place in the stream; the next one where it is left out."`
	Time      string            `placeholder:"RFC3339" help:"When it occurred. Defaults to now."`
	Source    string            `placeholder:"URI" help:"CloudEvents source."`
	Attribute map[string]string `short:"a" placeholder:"NAME=VALUE" help:"Further CloudEvents attributes, as subject=x. Given again for more."`
	Binary    bool              `help:"Take the data as bytes, not as JSON."`
	JSON      bool              `help:"Print the reply as JSON."`
}

// Run appends the event and prints its id and place.
func (cmd *appendCommand) Run(a *session) error {
	a.json = cmd.JSON
	request, err := cmd.request(a)
	if err != nil {
		return err
	}
	return a.with(func(c *client.Client) error {
		result, err := cmd.send(a, c, request)
		if client.CodeOf(err) == client.OutcomeUnknown {
			fmt.Fprintf(a.std.err, "whether it is stored is not known; the same again with --id %s tells\n", request.Events[0].ID)
		}
		if err != nil {
			return err
		}
		cmd.print(a.std.out, result)
		return nil
	})
}

// send asks again while the service is busy, until the time-out. Who is not there is not waited for.
func (cmd *appendCommand) send(a *session, c *client.Client, request client.Append) (result client.AppendResult, err error) {
	ctx, cancel := context.WithTimeout(a.ctx, a.connection.Timeout)
	defer cancel()
	var unreachable error
	err = client.Retry(ctx, func(ctx context.Context) error {
		var err error
		if result, err = c.Append(ctx, cmd.Publisher, request); client.IsUnreachable(err) {
			unreachable, err = err, nil
		}
		return err
	})
	return result, errors.Join(err, unreachable)
}

func (cmd *appendCommand) print(to io.Writer, result client.AppendResult) {
	if cmd.JSON {
		fmt.Fprintf(to, "%s\n", client.AppendResultJSON(&result))
		return
	}
	e := result.Events[0]
	how := "stored"
	if !e.Stored {
		how = "repeat"
	}
	line := fmt.Sprintf("%s %s position %d log %d", e.ID, how, e.Position, e.LogPosition)
	if result.Complete {
		line += " complete"
	}
	fmt.Fprintln(to, line)
}

func (cmd *appendCommand) request(a *session) (client.Append, error) {
	request := client.Append{Stream: client.Stream(cmd.Stream)}
	e := client.NewEvent{
		ID: client.EventID(cmd.ID), Type: cmd.Type, Source: cmd.Source, Time: cmd.Time,
		Position: cmd.Position, Final: cmd.Final, Attributes: attributes(cmd.Attribute),
	}
	if e.ID == "" {
		e.ID = client.NewID()
	}
	var err error
	if request.Expect, err = parseExpect(cmd.Expect); err != nil {
		return request, err
	}
	if err := cmd.data(a, &e); err != nil {
		return request, err
	}
	request.Events = []client.NewEvent{e}
	return request, nil
}

// data puts the argument or stdin into the event.
func (cmd *appendCommand) data(a *session, e *client.NewEvent) error {
	if cmd.Data == nil {
		return nil
	}
	e.Data = []byte(*cmd.Data)
	if *cmd.Data == "-" {
		var err error
		if e.Data, err = io.ReadAll(a.std.in); err != nil {
			return fmt.Errorf("read stdin: %w", err)
		}
	}
	e.Kind = client.BinaryData
	if cmd.Binary {
		return nil
	}
	e.Kind, e.Data = client.JSONData, []byte(strings.TrimSpace(string(e.Data)))
	if !json.Valid(e.Data) {
		return usage(`the data is no JSON: %s; a string has quotes of its own: '"text"'`, clip(string(e.Data), 60))
	}
	return nil
}

func parseExpect(word string) (client.Expect, error) {
	switch word {
	case "", "any":
		return client.Expect{}, nil
	case "new":
		return client.ExpectNew(), nil
	case "exists":
		return client.ExpectExists(), nil
	}
	version, err := strconv.Atoi(word)
	if err != nil || version < 0 {
		return client.Expect{}, usageError{errors.New("--expect is any, new, exists or a version")}
	}
	return client.ExpectVersion(version), nil
}

// attributes writes the members of a JSON object, as a NewEvent holds them.
func attributes(all map[string]string) []byte {
	if len(all) == 0 {
		return nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil // a map of strings cannot fail
	}
	return text[1 : len(text)-1]
}
