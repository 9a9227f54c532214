package client_test

import (
	"context"
	"fmt"
	"time"

	"kapivara/pkg/client"
)

// A worker that asks for its work: a batch at a time, answered one by one. With Wait it costs nothing while there is none.
func ExampleClient_Next() {
	ctx := context.Background()
	c, err := client.Connect(busURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	streams := client.Filter{"pull/*"}
	if _, err := c.SetSubscriber(ctx, "archive", client.SubscriberPatch{Streams: &streams}); err != nil {
		fmt.Println(err)
		return
	}
	for _, order := range []string{"1", "2"} {
		_, err := c.Append(ctx, "shop", client.Append{Stream: client.Stream("pull/web/order/" + order), Events: []client.NewEvent{
			{Type: "order.placed"}, {Type: "order.shipped", Final: true},
		}})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	for archived := 0; archived < 2; {
		deliveries, err := c.Next(ctx, "archive", client.NextOptions{Batch: 10, Wait: 20 * time.Second})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, d := range deliveries {
			events, err := d.All(ctx)
			if err != nil || len(events) != 2 {
				fmt.Println(len(events), err)
				return
			}
			if err := d.Ack(ctx); err != nil {
				fmt.Println(err)
				return
			}
			archived++
		}
	}
	fmt.Println("all is archived")
	// Output:
	// all is archived
}
