package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kapivara/pkg/client"
)

type nextCommand struct {
	Subscriber string        `arg:"" help:"The subscriber; kapivara subscriber set makes one."`
	Bucket     string        `short:"b" placeholder:"BUCKET" help:"Of this bucket alone: 0, 1, 2 … or canary-0 …"`
	Batch      int           `short:"n" default:"1" help:"At most so many deliveries, 1 to 100. Defaults to ${default}."`
	Wait       time.Duration `short:"w" placeholder:"DURATION" help:"Wait so long where there is none, at most 30s."`
	Node       string        `placeholder:"NODE" help:"Pull as this node: of a claimed bucket its owner alone is served."`
	Ack        bool          `help:"Commit each once it is printed. Without it they are sent again after their deadline, unless kapivara settle answers them."`
	JSON       bool          `help:"Print each delivery as a line of JSON, with its token."`
}

// Run pulls once and prints what has come.
func (cmd *nextCommand) Run(a *session) error {
	a.json = cmd.JSON
	if cmd.Batch < 1 {
		return usage("--batch is 1 to 100")
	}
	return a.with(func(c *client.Client) error {
		deliveries, err := c.Next(a.ctx, cmd.Subscriber, client.NextOptions{Bucket: cmd.Bucket, Node: cmd.Node, Batch: cmd.Batch, Wait: cmd.Wait})
		for _, d := range deliveries {
			err = errors.Join(err, cmd.take(a, d))
		}
		if err == nil && len(deliveries) == 0 && !cmd.JSON {
			fmt.Fprintln(a.std.err, "nothing is there to be pulled")
		}
		return err
	})
}

// take prints a delivery, and commits it where that is wanted.
func (cmd *nextCommand) take(a *session, d *client.Delivery) error {
	if !cmd.JSON {
		if _, err := fmt.Fprintln(a.std.out, deliveryLine(d)); err != nil {
			return err
		}
	}
	if err := printDelivered(a.ctx, a.std.out, d, cmd.JSON); err != nil {
		return err
	}
	if !cmd.Ack {
		if !cmd.JSON {
			fmt.Fprintf(a.std.out, "%skapivara settle %s %s ack\n", until(d), d.Subscriber, d.Token)
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(a.ctx, 30*time.Second)
	defer cancel()
	return d.Ack(ctx)
}

// until says by when it is to be answered, nothing where reading a large one has moved that on.
func until(d *client.Delivery) string {
	if time.Now().After(d.Deadline) {
		return ""
	}
	return "until " + clock(d.Deadline) + ": "
}
