package main

import (
	"fmt"

	"kapivara/pkg/client"
)

type resizeCommand struct {
	Subscriber string `arg:"" help:"The subscriber."`
	Buckets    *int   `placeholder:"N" help:"Number of buckets, worked off side by side: 1 to 1024."`
	Canary     *int   `placeholder:"N" help:"Number of buckets for canary streams; 0 promotes what waits in them."`
	NoWait     bool   `help:"Do not wait until what waits is placed by the new numbers."`
	Yes        bool   `short:"y" help:"Do not ask."`
	JSON       bool   `help:"Print the record as JSON."`
}

// Run shows what waits and what becomes of it, changes the numbers of buckets, and waits until all that waits is placed by
// them. Interrupted it goes on by itself; the same command again waits for its end.
func (cmd *resizeCommand) Run(a *session) error {
	a.json = cmd.JSON
	if cmd.Buckets == nil && cmd.Canary == nil {
		return usage("name the new number by --buckets or --canary")
	}
	return a.with(func(c *client.Client) error {
		state, err := c.SubscriberState(a.ctx, cmd.Subscriber, client.SubscriberQuery{Limit: 1})
		if err != nil {
			return err
		}
		before := state.Subscriber
		if !cmd.JSON {
			cmd.show(a, state)
		}
		if !cmd.Yes && !a.confirm(fmt.Sprintf("Resize %s?", cmd.Subscriber)) {
			return usage("nothing was changed; -y does not ask")
		}
		s, err := c.SetSubscriber(a.ctx, cmd.Subscriber, client.SubscriberPatch{Buckets: cmd.Buckets, CanaryBuckets: cmd.Canary})
		if err != nil {
			return err
		}
		if err := cmd.tell(a, before, s); err != nil || cmd.NoWait {
			return err
		}
		return cmd.wait(a, c)
	})
}

// tell prints what the numbers are now.
func (cmd *resizeCommand) tell(a *session, before, now client.Subscriber) error {
	if cmd.JSON {
		return printLines(a.std.out, []client.Subscriber{now})
	}
	if now.Buckets == before.Buckets && now.CanaryBuckets == before.CanaryBuckets {
		fmt.Fprintf(a.std.out, "%s has these buckets already\n", now.Name)
		return nil
	}
	background := ""
	if cmd.NoWait {
		background = "; what waits is placed in the background"
	}
	fmt.Fprintf(a.std.out, "resized %s to %d buckets and %d for canary streams%s\n", now.Name, now.Buckets, now.CanaryBuckets, background)
	return nil
}

// show tells what is there and what stays.
func (cmd *resizeCommand) show(a *session, state client.SubscriberState) {
	var pending, sent int64
	for _, b := range state.Buckets {
		pending += b.Pending
		sent += b.Leased + b.Hidden + b.Parked
	}
	after := func(now int, then *int) int {
		if then != nil {
			return *then
		}
		return now
	}
	s := state.Subscriber
	fmt.Fprintf(a.std.err, "buckets          %d -> %d\n", s.Buckets, after(s.Buckets, cmd.Buckets))
	fmt.Fprintf(a.std.err, "canary buckets   %d -> %d\n", s.CanaryBuckets, after(s.CanaryBuckets, cmd.Canary))
	fmt.Fprintf(a.std.err, "%d wait, and move where the rule says so; %d were sent, and keep their buckets until they are settled\n", pending, sent)
}
