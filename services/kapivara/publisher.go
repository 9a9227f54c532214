package main

import (
	"fmt"
	"io"
	"strings"

	"kapivara/pkg/client"
)

type publisherCommand struct {
	Set    publisherSet    `cmd:"" aliases:"add" help:"Create a publisher, or change what the flags name."`
	Get    publisherGet    `cmd:"" aliases:"info" help:"Show a publisher."`
	List   publisherList   `cmd:"" aliases:"ls" help:"List publishers."`
	Remove publisherRemove `cmd:"" aliases:"rm" help:"Remove a publisher that has no event types."`
}

type publisherSet struct {
	Name        string   `arg:"" help:"Name: a-z, 0-9, _ and -."`
	Description *string  `help:"What it is."`
	Streams     []string `sep:"none" placeholder:"STREAM" help:"The streams it may append to; a prefix ends in *. Given again for more. Defaults to *."`
	JSON        bool     `help:"Print the record as JSON."`
}

// Run creates or changes the publisher and prints it.
func (cmd *publisherSet) Run(a *session) error {
	a.json = cmd.JSON
	return a.with(func(c *client.Client) error {
		p, err := c.SetPublisher(a.ctx, cmd.Name, client.PublisherPatch{Description: cmd.Description, Streams: filter(cmd.Streams)})
		if err != nil {
			return err
		}
		return printPublisher(a.std.out, p, cmd.JSON)
	})
}

type publisherGet struct {
	Name string `arg:"" help:"The publisher."`
	JSON bool   `help:"Print the record as JSON."`
}

// Run prints the publisher.
func (cmd *publisherGet) Run(a *session) error {
	a.json = cmd.JSON
	return a.with(func(c *client.Client) error {
		p, err := c.Publisher(a.ctx, cmd.Name)
		if err != nil {
			return err
		}
		return printPublisher(a.std.out, p, cmd.JSON)
	})
}

func printPublisher(to io.Writer, p client.Publisher, asJSON bool) error {
	if asJSON {
		return printLines(to, []client.Publisher{p})
	}
	fmt.Fprintf(to, "publisher %s", p.Name)
	if p.Description != "" {
		fmt.Fprintf(to, ": %s", p.Description)
	}
	fmt.Fprintf(to, "\n  streams        %s\n  set            %s, log position %d\n", strings.Join(p.Streams, ", "), clock(p.Created), p.LogPosition)
	return nil
}

type publisherList struct {
	JSON bool `help:"Print one record a line."`
}

// Run lists the publishers.
func (cmd *publisherList) Run(a *session) error {
	a.json = cmd.JSON
	return a.with(func(c *client.Client) error {
		all, err := collect(c.Publishers(a.ctx))
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printLines(a.std.out, all)
		}
		t := newTable(a.std.out, "PUBLISHER", "STREAMS", "DESCRIPTION")
		for _, p := range all {
			t.row(p.Name, clip(strings.Join(p.Streams, ", "), 60), clip(p.Description, 60))
		}
		t.flush()
		return nil
	})
}

type publisherRemove struct {
	Name  string `arg:"" help:"The publisher."`
	Force bool   `short:"f" help:"Do not ask."`
}

// Run removes the publisher.
func (cmd *publisherRemove) Run(a *session) error {
	return a.with(func(c *client.Client) error {
		if !cmd.Force && !a.confirm(fmt.Sprintf("Remove the publisher %s?", cmd.Name)) {
			return usage("nothing was removed; --force does not ask")
		}
		_, err := c.RemovePublisher(a.ctx, cmd.Name)
		if err == nil {
			fmt.Fprintf(a.std.out, "removed publisher %s\n", cmd.Name)
		}
		return err
	})
}
