package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"kapivara/pkg/client"
)

type subscriberCommand struct {
	Set    subscriberSet    `cmd:"" aliases:"add" help:"Create a subscriber, or change what the flags name."`
	Get    subscriberGet    `cmd:"" aliases:"info" help:"Show a subscriber, its nodes and its buckets."`
	List   subscriberList   `cmd:"" aliases:"ls" help:"List subscribers."`
	Remove subscriberRemove `cmd:"" aliases:"rm" help:"Remove a subscriber and end its unsettled deliveries."`
}

type subscriberSet struct {
	Name          string    `arg:"" help:"Name: a-z, 0-9, _ and -."`
	Description   *string   `help:"What it is for."`
	System        *string   `help:"The system it belongs to."`
	Types         []string  `short:"t" sep:"none" placeholder:"TYPE" help:"Streams with one of these event types; a prefix ends in *. Given again for more. Defaults to *."`
	Streams       []string  `sep:"none" placeholder:"STREAM" help:"Only these streams; a prefix ends in *. Given again for more. Defaults to *."`
	Buckets       *int      `placeholder:"N" help:"Number of buckets, worked off side by side: 1 to 1024. Defaults to 8."`
	CanaryBuckets *int      `placeholder:"N" help:"Number of buckets for canary streams. Defaults to 0."`
	Deliver       *string   `placeholder:"complete|appended" help:"When a stream is due: once, whole, or each time that it has grown. Defaults to complete."`
	Start         *string   `placeholder:"new|beginning|N" help:"From where: what becomes due from now on, all there is, or after log position N. Defaults to new."`
	AckWait       *string   `placeholder:"30s" help:"How long an answer is awaited. Defaults to 30s."`
	MaxAttempts   *int      `placeholder:"N" help:"Attempts until a delivery is parked; 0 without limit. Defaults to 10."`
	Backoff       *[]string `placeholder:"1s,5s" help:"Pauses between attempts. Defaults to 1s,5s,30s,2m,10m."`
	MaxInFlight   *int      `placeholder:"N" help:"Deliveries of one bucket at once. Defaults to 1."`
	JSON          bool      `help:"Print the record as JSON."`
}

// Run creates or changes the subscriber and prints it.
func (cmd *subscriberSet) Run(a *session) error {
	a.json = cmd.JSON
	patch := client.SubscriberPatch{
		Description: cmd.Description, System: cmd.System, Types: filter(cmd.Types), Streams: filter(cmd.Streams),
		Buckets: cmd.Buckets, CanaryBuckets: cmd.CanaryBuckets, Deliver: cmd.Deliver, AckWait: cmd.AckWait,
		MaxAttempts: cmd.MaxAttempts, Backoff: cmd.Backoff, MaxInFlight: cmd.MaxInFlight,
	}
	if cmd.Start != nil {
		patch.Start = *cmd.Start
		if position, err := strconv.ParseInt(*cmd.Start, 10, 64); err == nil {
			patch.Start = position
		}
	}
	return a.with(func(c *client.Client) error {
		s, err := c.SetSubscriber(a.ctx, cmd.Name, patch)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printLines(a.std.out, []client.Subscriber{s})
		}
		printSubscriber(a.std.out, s)
		return nil
	})
}

// filter is nil where the flag was not given.
func filter(entries []string) *client.Filter {
	if entries == nil {
		return nil
	}
	f := client.Filter(entries)
	return &f
}

func printSubscriber(to io.Writer, s client.Subscriber) {
	fmt.Fprintf(to, "subscriber %s", s.Name)
	if s.Description != "" {
		fmt.Fprintf(to, ": %s", s.Description)
	}
	fmt.Fprintln(to)
	if s.System != "" {
		fmt.Fprintf(to, "  system         %s\n", s.System)
	}
	fmt.Fprintf(to, "  types          %s\n", strings.Join(s.Types, ", "))
	fmt.Fprintf(to, "  streams        %s\n", strings.Join(s.Streams, ", "))
	fmt.Fprintf(to, "  deliver        %s, start %s\n", s.Deliver, strings.Trim(string(s.Start), `"`))
	fmt.Fprintf(to, "  buckets        %d, of canary streams %d, in flight of each %d\n", s.Buckets, s.CanaryBuckets, s.MaxInFlight)
	fmt.Fprintf(to, "  ack wait       %s\n", s.AckWait)
	attempts := "without limit"
	if s.MaxAttempts > 0 {
		attempts = fmt.Sprintf("at most %d", s.MaxAttempts)
	}
	fmt.Fprintf(to, "  attempts       %s, backoff %s\n", attempts, strings.Join(s.Backoff, ", "))
	fmt.Fprintf(to, "  set            %s, log position %d\n", clock(s.Created), s.LogPosition)
}

type subscriberGet struct {
	Name string `arg:"" help:"The subscriber."`
	JSON bool   `help:"Print the answer as JSON."`
}

// Run prints the subscriber and how it is doing.
func (cmd *subscriberGet) Run(a *session) error {
	a.json = cmd.JSON
	return a.with(func(c *client.Client) error {
		state, err := c.SubscriberState(a.ctx, cmd.Name, client.SubscriberQuery{Limit: 1})
		if err != nil {
			return err
		}
		if cmd.JSON {
			fmt.Fprintf(a.std.out, "%s\n", state.Raw)
			return nil
		}
		printSubscriber(a.std.out, state.Subscriber)
		fmt.Fprintf(a.std.out, "  nodes          %s", listening(state.Listening))
		if !state.LastAnswer.IsZero() {
			fmt.Fprintf(a.std.out, ", last answer %s", clock(state.LastAnswer))
		}
		if state.ExtraAnswers > 0 {
			fmt.Fprintf(a.std.out, ", %d answers too many", state.ExtraAnswers)
		}
		fmt.Fprintln(a.std.out)
		if m := state.Moving; m != nil {
			fmt.Fprintf(a.std.out, "  resized        what waits is %s\n", placingLineOf(*m, *m, 0))
		}
		fmt.Fprintln(a.std.out)
		printBuckets(a.std.out, state.Buckets)
		return nil
	})
}

type subscriberList struct {
	JSON bool `help:"Print one record a line."`
}

// Run lists the subscribers.
func (cmd *subscriberList) Run(a *session) error {
	a.json = cmd.JSON
	return a.with(func(c *client.Client) error {
		all, err := collect(c.Subscribers(a.ctx))
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printLines(a.std.out, all)
		}
		t := newTable(a.std.out, "SUBSCRIBER", "BUCKETS", "DELIVER", "TYPES", "STREAMS", "DESCRIPTION")
		for _, s := range all {
			t.row(s.Name, s.Buckets, s.Deliver, clip(strings.Join(s.Types, ", "), 40), clip(strings.Join(s.Streams, ", "), 40), clip(s.Description, 40))
		}
		t.flush()
		return nil
	})
}

type subscriberRemove struct {
	Name  string `arg:"" help:"The subscriber."`
	Force bool   `short:"f" help:"Do not ask."`
}

// Run removes the subscriber.
func (cmd *subscriberRemove) Run(a *session) error {
	return a.with(func(c *client.Client) error {
		if !cmd.Force && !a.confirm(fmt.Sprintf("Remove the subscriber %s? Its unsettled deliveries end.", cmd.Name)) {
			return usage("nothing was removed; --force does not ask")
		}
		_, err := c.RemoveSubscriber(a.ctx, cmd.Name)
		if err == nil {
			fmt.Fprintf(a.std.out, "removed subscriber %s\n", cmd.Name)
		}
		return err
	})
}

// rawOr shows JSON, a dash where there is none.
func rawOr(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" || string(raw) == "{}" {
		return "-"
	}
	return string(raw)
}
