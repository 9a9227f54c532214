package main

import (
	"fmt"
	"time"

	"kapivara/pkg/client"
)

type settleCommand struct {
	Subscriber string        `arg:"" help:"The subscriber."`
	Token      string        `arg:"" help:"The token of the delivery."`
	Answer     string        `arg:"" enum:"ack,nak,progress,term" help:"ack: done. nak: send it again. progress: move the deadline on. term: park it."`
	Delay      time.Duration `default:"-1ns" placeholder:"DURATION" help:"With nak: after so long, instead of the subscriber's backoff."`
	Reason     string        `help:"Why, for those who look."`
	JSON       bool          `help:"Print the answer as JSON."`
}

// Run answers an attempt and prints what that has come to.
func (cmd *settleCommand) Run(a *session) error {
	a.json = cmd.JSON
	answers := map[string]client.Answer{
		"ack": {Verdict: client.Ack}, "nak": {Verdict: client.Nak}, "progress": {Verdict: client.Progress}, "term": {Verdict: client.Term},
	}
	answer := answers[cmd.Answer]
	answer.Delay, answer.Reason = cmd.Delay, cmd.Reason
	if cmd.Delay >= 0 && cmd.Answer != "nak" {
		return usage("--delay goes with nak only")
	}
	return a.with(func(c *client.Client) error {
		settled, err := c.Settle(a.ctx, cmd.Subscriber, cmd.Token, answer)
		switch {
		case err != nil:
			return err
		case cmd.JSON:
			fmt.Fprintf(a.std.out, "%s\n", client.SettledJSON(settled))
		case settled.State == client.Leased:
			fmt.Fprintf(a.std.out, "extended until %s\n", clock(settled.Deadline))
		case settled.State == client.Hidden:
			fmt.Fprintf(a.std.out, "hidden until %s\n", clock(settled.Until))
		default:
			fmt.Fprintln(a.std.out, settled.State)
		}
		return nil
	})
}
