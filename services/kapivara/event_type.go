package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"kapivara/pkg/client"
)

type eventTypeCommand struct {
	Set    eventTypeSet    `cmd:"" aliases:"add" help:"Register an event type of a publisher, or change what the flags name."`
	Get    eventTypeGet    `cmd:"" aliases:"info" help:"Show an event type."`
	List   eventTypeList   `cmd:"" aliases:"ls" help:"List event types."`
	Remove eventTypeRemove `cmd:"" aliases:"rm" help:"Remove an event type; what is stored stays."`
}

type eventTypeSet struct {
	Publisher string `arg:"" help:"The one publisher that may append it."`
	Type      string `arg:"" help:"The event type."`
	Schema    string `placeholder:"FILE" help:"File with the JSON Schema that data must fit; - is stdin, none takes the schema away."`
	Metadata  string `placeholder:"JSON" help:"A JSON object of your own; its members are merged into what is there."`
	JSON      bool   `help:"Print the record as JSON."`
}

// Run registers or changes the event type and prints it.
func (cmd *eventTypeSet) Run(a *session) error {
	a.json = cmd.JSON
	var patch client.EventTypePatch
	schema, err := cmd.schema(a.std.in)
	if err != nil {
		return err
	}
	patch.Schema = schema
	if cmd.Metadata != "" {
		if !json.Valid([]byte(cmd.Metadata)) {
			return usage("--metadata is a JSON object")
		}
		patch.Metadata = client.RawJSON(cmd.Metadata)
	}
	return a.with(func(c *client.Client) error {
		t, err := c.SetEventType(a.ctx, cmd.Publisher, cmd.Type, patch)
		if err != nil {
			return err
		}
		return printEventType(a.std.out, t, cmd.JSON)
	})
}

func (cmd *eventTypeSet) schema(stdin io.Reader) ([]byte, error) {
	var text []byte
	var err error
	switch cmd.Schema {
	case "":
		return nil, nil
	case "none":
		return []byte("null"), nil
	case "-":
		text, err = io.ReadAll(stdin)
	default:
		text, err = os.ReadFile(cmd.Schema)
	}
	if err != nil {
		return nil, usageError{err}
	}
	if !json.Valid(text) {
		return nil, usage("%s holds no JSON", cmd.Schema)
	}
	return text, nil
}

type eventTypeGet struct {
	Publisher string `arg:"" help:"The publisher that may append it."`
	Type      string `arg:"" help:"The event type."`
	JSON      bool   `help:"Print the record as JSON."`
}

// Run prints the event type.
func (cmd *eventTypeGet) Run(a *session) error {
	a.json = cmd.JSON
	return a.with(func(c *client.Client) error {
		t, err := c.EventType(a.ctx, cmd.Publisher, cmd.Type)
		if err != nil {
			return err
		}
		return printEventType(a.std.out, t, cmd.JSON)
	})
}

func printEventType(to io.Writer, t client.EventType, asJSON bool) error {
	if asJSON {
		return printLines(to, []client.EventType{t})
	}
	fmt.Fprintf(to, "event type %s\n  publisher      %s\n  schema         %s\n  metadata       %s\n  set            %s, log position %d\n",
		t.Type, t.Publisher, rawOr(t.Schema), rawOr(t.Metadata), clock(t.Created), t.LogPosition)
	return nil
}

type eventTypeList struct {
	JSON bool `help:"Print one record a line."`
}

// Run lists the event types.
func (cmd *eventTypeList) Run(a *session) error {
	a.json = cmd.JSON
	return a.with(func(c *client.Client) error {
		all, err := collect(c.EventTypes(a.ctx))
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printLines(a.std.out, all)
		}
		t := newTable(a.std.out, "TYPE", "PUBLISHER", "SCHEMA", "METADATA")
		for _, e := range all {
			t.row(e.Type, e.Publisher, clip(rawOr(e.Schema), 40), clip(rawOr(e.Metadata), 40))
		}
		t.flush()
		return nil
	})
}

type eventTypeRemove struct {
	Publisher string `arg:"" help:"The publisher that may append it."`
	Type      string `arg:"" help:"The event type."`
	Force     bool   `short:"f" help:"Do not ask."`
}

// Run removes the event type.
func (cmd *eventTypeRemove) Run(a *session) error {
	return a.with(func(c *client.Client) error {
		if !cmd.Force && !a.confirm(fmt.Sprintf("Remove the event type %s of %s?", cmd.Type, cmd.Publisher)) {
			return usage("nothing was removed; --force does not ask")
		}
		_, err := c.RemoveEventType(a.ctx, cmd.Publisher, cmd.Type)
		if err == nil {
			fmt.Fprintf(a.std.out, "removed event type %s\n", cmd.Type)
		}
		return err
	})
}
