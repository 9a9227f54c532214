package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"kapivara/pkg/client"
)

// deliveryLine is a delivery in a line.
func deliveryLine(d *client.Delivery) string {
	return fmt.Sprintf("%s/%s/%d attempt %d  %s  events %d-%d", d.Subscriber, d.Bucket, d.Number, d.Attempt, d.Stream, d.From, d.To)
}

// rowsAtOnce is how many events make up a table of their own: the columns of a table are as wide as all of its rows need.
const rowsAtOnce = 500

// printDelivered prints the events of a delivery as they are read, or the delivery with them as a line of JSON: of one that
// did not fit into a message no more than a page is held.
func printDelivered(ctx context.Context, to io.Writer, d *client.Delivery, asJSON bool) error {
	if asJSON {
		buffered := bufio.NewWriter(to)
		err := d.WriteJSON(ctx, buffered)
		_, _ = buffered.WriteString("\n") // its error stays for Flush
		return errors.Join(err, buffered.Flush())
	}
	var t *table
	rows := 0
	for e, err := range d.Events(ctx) {
		if err != nil {
			return err
		}
		if t == nil {
			t = newTable(to, eventColumns()...)
		}
		t.row(eventCells(&e)...)
		if rows++; rows == rowsAtOnce {
			t.flush()
			t, rows = nil, 0
		}
	}
	if t != nil {
		t.flush()
	}
	return nil
}
