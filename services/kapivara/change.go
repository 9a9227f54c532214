package main

import (
	"context"
	"fmt"

	"kapivara/pkg/client"
)

// change is what an operator's verb does; the texts have a place for how many it does it to.
type change struct {
	would, did string
	question   string // "" where nobody is asked
	unit       [2]string
	yes        bool // do not ask
	dryRun     bool
	json       bool
}

// run does a verb to the deliveries that are meant.
func (cmd *chosen) run(a *session, o client.Operation, verb func(*client.Client, context.Context, string, client.Operation) (int, error), ch change) error {
	ch.unit, ch.dryRun, ch.json = [2]string{"delivery", "deliveries"}, cmd.DryRun, cmd.JSON
	return a.change(ch, func(c *client.Client, dryRun bool) (int, error) {
		o.DryRun = dryRun
		return verb(c, a.ctx, cmd.Subscriber, o)
	})
}

// change counts, asks where that is wanted, does it, and tells how many were changed.
func (a *session) change(ch change, do func(c *client.Client, dryRun bool) (int, error)) error {
	a.json = ch.json
	return a.with(func(c *client.Client) error {
		if ch.dryRun {
			n, err := do(c, true)
			return ch.tell(a, ch.would, n, err)
		}
		if ch.question != "" && !ch.yes {
			n, err := do(c, true)
			switch {
			case err != nil:
				return err
			case !isTerminal(a.std.in):
				return usage("there is no terminal to ask at, nothing was changed; -y does not ask, and "+ch.would, ch.count(n))
			case n > 0 && !a.confirm(fmt.Sprintf(ch.question, ch.count(n))):
				return usage("nothing was changed; -y does not ask")
			case n == 0:
				return ch.tell(a, ch.did, 0, nil)
			}
		}
		n, err := do(c, false)
		return ch.tell(a, ch.did, n, err)
	})
}

// tell prints what was done.
func (ch *change) tell(a *session, what string, n int, err error) error {
	switch {
	case err != nil:
	case ch.json:
		_, err = fmt.Fprintf(a.std.out, "{\"changed\":%d}\n", n)
	default:
		_, err = fmt.Fprintf(a.std.out, what+"\n", ch.count(n))
	}
	return err
}

func (ch *change) count(n int) string {
	if n == 1 {
		return "1 " + ch.unit[0]
	}
	return thousands(n) + " " + ch.unit[1]
}
