package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kapivara/pkg/client"
)

// A worker gives a delivery up, which parks it. Once the fault is mended an operator has it tried again, and later has
// the stream sent once more.
func ExampleClient_Retry() {
	ctx := context.Background()
	c, err := client.Connect(busURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	streams := client.Filter{"operate/*"}
	if _, err := c.SetSubscriber(ctx, "labels", client.SubscriberPatch{Streams: &streams}); err != nil {
		fmt.Println(err)
		return
	}
	stream := client.Stream("operate/web/order/1")
	if _, err := c.Append(ctx, "shop", client.Append{Stream: stream, Events: []client.NewEvent{{Type: "order.paid", Final: true}}}); err != nil {
		fmt.Println(err)
		return
	}
	work := func(answer func(*client.Delivery) error) {
		deliveries, err := c.Next(ctx, "labels", client.NextOptions{Wait: 20 * time.Second})
		if err != nil || len(deliveries) == 0 {
			fmt.Println("nothing came", err)
			return
		}
		d := deliveries[0]
		fmt.Println("number", d.Number, "attempt", d.Attempt, d.Cause, answer(d))
	}
	work(func(d *client.Delivery) error { return d.Term(ctx, errors.New("no such country")) })

	parked := client.Operation{State: client.Parked, Reason: "the country is known now"}
	n, err := c.Retry(ctx, "labels", parked)
	fmt.Println("retried", n, err)
	work(func(d *client.Delivery) error { return d.Ack(ctx) })

	n, err = c.Replay(ctx, "labels", client.Replay{Stream: stream})
	fmt.Println("replayed", n, err)
	work(func(d *client.Delivery) error { return d.Ack(ctx) })
	// Output:
	// number 1 attempt 1 complete <nil>
	// retried 1 <nil>
	// number 1 attempt 2 complete <nil>
	// replayed 1 <nil>
	// number 2 attempt 1 replay <nil>
}
