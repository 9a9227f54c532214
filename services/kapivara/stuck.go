package main

import (
	"encoding/json"
	"fmt"
	"time"

	"kapivara/pkg/client"
)

type stuckCommand struct {
	In     string        `placeholder:"CONTEXT" help:"Only streams of this context (the first part of their names)."`
	Idle   time.Duration `default:"24h" help:"Open streams count as idle when nothing was recorded for so long. Defaults to ${default}."`
	Number int           `short:"n" default:"10" help:"At most so many of each kind. Defaults to ${default}."`
	JSON   bool          `help:"Print all of it as one JSON object."`
}

// stuck is all that does not move.
type stuck struct {
	Holes       []client.StreamState `json:"holes"`
	Idle        []client.StreamState `json:"idle"`
	Subscribers []stuckSubscriber    `json:"subscribers"`
	more        [2]bool
}

type stuckSubscriber struct {
	Subscriber string            `json:"subscriber"`
	Lag        int64             `json:"lag"`
	Parked     int64             `json:"parked"`
	Listening  *bool             `json:"listening"`
	Deliveries []json.RawMessage `json:"deliveries"` // parked ones
	rows       []client.DeliveryRow
}

// Run shows on one screen what an operator should look at.
func (cmd *stuckCommand) Run(a *session) error {
	a.json = cmd.JSON
	return a.with(func(c *client.Client) error {
		found, err := cmd.look(a, c)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printLines(a.std.out, []stuck{found})
		}
		cmd.print(a, found)
		return nil
	})
}

func (cmd *stuckCommand) look(a *session, c *client.Client) (found stuck, err error) {
	found.Subscribers = []stuckSubscriber{}
	q := client.StreamsQuery{Context: cmd.In, State: "open", Holes: true}
	if found.Holes, found.more[0], err = someStreams(a, c, q, cmd.Number); err != nil {
		return found, err
	}
	q.Holes, q.Idle = false, cmd.Idle
	if found.Idle, found.more[1], err = someStreams(a, c, q, cmd.Number); err != nil {
		return found, err
	}
	for subscriber, err := range c.Subscribers(a.ctx) {
		if err != nil {
			return found, err
		}
		state, err := c.SubscriberState(a.ctx, subscriber.Name, client.SubscriberQuery{State: client.Parked, Limit: max(cmd.Number, 1)})
		if err != nil {
			return found, err
		}
		s := stuckSubscriber{Subscriber: subscriber.Name, Listening: state.Listening, rows: state.Deliveries, Deliveries: []json.RawMessage{}}
		for _, b := range state.Buckets {
			s.Lag += b.Lag
			s.Parked += b.Parked
		}
		for i := range state.Deliveries {
			s.Deliveries = append(s.Deliveries, client.DeliveryRowJSON(&state.Deliveries[i]))
		}
		if s.Parked > 0 || s.Lag > 0 {
			found.Subscribers = append(found.Subscribers, s)
		}
	}
	return found, nil
}

func (cmd *stuckCommand) print(a *session, found stuck) {
	out := a.std.out
	for i, part := range []struct {
		title   string
		streams []client.StreamState
	}{
		{"Open streams with holes", found.Holes},
		{fmt.Sprintf("Open streams of which nothing was recorded for %s", short(cmd.Idle)), found.Idle},
	} {
		if len(part.streams) == 0 {
			fmt.Fprintf(out, "%s: none\n\n", part.title)
			continue
		}
		fmt.Fprintf(out, "%s:\n", part.title)
		printStreams(out, part.streams)
		if found.more[i] {
			fmt.Fprintln(out, "… and more: -n shows more, kapivara streams shows all")
		}
		fmt.Fprintln(out)
	}
	if len(found.Subscribers) == 0 {
		fmt.Fprintln(out, "Subscribers with anything unsettled or parked: none")
		return
	}
	fmt.Fprintln(out, "Subscribers with anything unsettled or parked:")
	t := newTable(out, "SUBSCRIBER", "UNSETTLED", "PARKED", "NODES")
	for _, s := range found.Subscribers {
		t.row(s.Subscriber, s.Lag, s.Parked, listening(s.Listening))
	}
	t.flush()
	for _, s := range found.Subscribers {
		if len(s.rows) > 0 {
			fmt.Fprintf(out, "\nParked deliveries of %s (kapivara explain STREAM %s tells more):\n", s.Subscriber, s.Subscriber)
			printRows(out, s.rows)
		}
	}
}

// listening says whether the last sending met a node.
func listening(l *bool) string {
	switch {
	case l == nil:
		return "nothing sent yet"
	case *l:
		return "listening"
	default:
		return "none"
	}
}
