package main

import (
	"fmt"
	"io"

	"kapivara/pkg/client"
)

type bucketCommand struct {
	Subscriber string `arg:"" help:"The subscriber."`
	Bucket     string `arg:"" optional:"" help:"A bucket: 0, 1, 2 … or canary-0 …; its deliveries are shown."`
	State      string `enum:",pending,leased,hidden,parked,committed,discarded" default:"" placeholder:"STATE" help:"Only deliveries that are pending, leased, hidden, parked, committed or discarded."`
	Last       bool   `help:"Show the delivery of the bucket that was committed last."`
	Number     int    `short:"n" default:"20" help:"At most so many deliveries; 0 for all. Defaults to ${default}."`
	JSON       bool   `help:"Print JSON: the buckets as one object, deliveries one a line."`
}

// Run shows the buckets of a subscriber, or deliveries.
func (cmd *bucketCommand) Run(a *session) error {
	a.json = cmd.JSON
	return a.with(func(c *client.Client) error {
		switch {
		case cmd.Last && cmd.Bucket == "":
			return usage("--last is of one bucket: name it")
		case cmd.Last:
			return cmd.last(a, c)
		case cmd.Bucket == "" && cmd.State == "":
			state, err := c.SubscriberState(a.ctx, cmd.Subscriber, client.SubscriberQuery{Limit: 1})
			if err != nil {
				return err
			}
			if cmd.JSON {
				fmt.Fprintf(a.std.out, "%s\n", state.Raw)
				return nil
			}
			printBuckets(a.std.out, state.Buckets)
			return nil
		default:
			return cmd.deliveries(a, c)
		}
	})
}

func (cmd *bucketCommand) deliveries(a *session, c *client.Client) error {
	var rows []client.DeliveryRow
	cursor := ""
	for {
		limit := 1000
		if cmd.Number > 0 {
			limit = min(cmd.Number-len(rows), limit)
		}
		page, next, err := cmd.page(a, c, cursor, limit)
		if err != nil {
			return err
		}
		rows = append(rows, page...)
		if cursor = next; cursor == "" || cmd.Number > 0 && len(rows) >= cmd.Number {
			break
		}
	}
	if cmd.JSON {
		for i := range rows {
			fmt.Fprintf(a.std.out, "%s\n", client.DeliveryRowJSON(&rows[i]))
		}
		return nil
	}
	printRows(a.std.out, rows)
	if cursor != "" {
		fmt.Fprintln(a.std.out, "and more: -n shows more of them")
	}
	return nil
}

// page reads deliveries of one bucket, or of all of them.
func (cmd *bucketCommand) page(a *session, c *client.Client, cursor string, limit int) ([]client.DeliveryRow, string, error) {
	state := client.State(cmd.State)
	if cmd.Bucket == "" {
		all, err := c.SubscriberState(a.ctx, cmd.Subscriber, client.SubscriberQuery{State: state, Limit: limit, Cursor: cursor})
		return all.Deliveries, all.Next, err
	}
	one, err := c.Bucket(a.ctx, cmd.Subscriber, client.BucketQuery{Bucket: cmd.Bucket, State: state, Limit: limit, Cursor: cursor})
	return one.Deliveries, one.Next, err
}

func (cmd *bucketCommand) last(a *session, c *client.Client) error {
	d, err := c.LastCommitted(a.ctx, cmd.Subscriber, cmd.Bucket)
	if err != nil {
		return err
	}
	if !cmd.JSON {
		fmt.Fprintf(a.std.out, "%s, committed %s\n", deliveryLine(d), clock(d.Committed))
	}
	return printDelivered(a.ctx, a.std.out, d, cmd.JSON)
}

func printBuckets(to io.Writer, buckets []client.BucketState) {
	t := newTable(to, "BUCKET", "PENDING", "LEASED", "HIDDEN", "PARKED", "COMMITTED", "DISCARDED", "LAG", "LAG SECONDS", "LAST NUMBER")
	var sum client.BucketState
	for _, b := range buckets {
		t.row(b.Bucket, b.Pending, b.Leased, b.Hidden, b.Parked, b.Committed, b.Discarded, b.Lag, fmt.Sprintf("%.1f", b.LagSeconds), b.LastNumber)
		sum.Pending += b.Pending
		sum.Leased += b.Leased
		sum.Hidden += b.Hidden
		sum.Parked += b.Parked
		sum.Committed += b.Committed
		sum.Discarded += b.Discarded
		sum.Lag += b.Lag
		sum.LagSeconds = max(sum.LagSeconds, b.LagSeconds)
	}
	if len(buckets) > 1 {
		t.row("all", sum.Pending, sum.Leased, sum.Hidden, sum.Parked, sum.Committed, sum.Discarded, sum.Lag, fmt.Sprintf("%.1f", sum.LagSeconds), "")
	}
	t.flush()
}

func printRows(to io.Writer, rows []client.DeliveryRow) {
	t := newTable(to, "BUCKET", "NUMBER", "STATE", "ATTEMPT", "STREAM", "EVENTS", "WHEN", "REASON")
	for _, r := range rows {
		until := clock(r.Until)
		switch {
		case !r.Committed.IsZero():
			until = clock(r.Committed)
		case !r.Deadline.IsZero():
			until = clock(r.Deadline)
		}
		t.row(r.Bucket, orDash(r.Number), r.State, r.Attempt, r.Stream, fmt.Sprintf("%d-%d", r.From, r.To), until, clip(r.Reason, 60))
	}
	t.flush()
}
