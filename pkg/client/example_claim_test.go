package client_test

import (
	"context"
	"fmt"
	"time"

	"kapivara/pkg/client"
)

// With a claim the deliveries of a bucket come to this node alone, until it stops or is silent for longer than the ttl. All
// nodes that claim share the buckets evenly.
func ExampleWithClaim() {
	ctx := context.Background()
	c, err := client.Connect(busURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	streams, buckets := client.Filter{"stock/*"}, 2
	if _, err := c.SetSubscriber(ctx, "shelves", client.SubscriberPatch{Streams: &streams, Buckets: &buckets}); err != nil {
		fmt.Println(err)
		return
	}
	delivered := make(chan *client.Delivery, 1)
	subscription, err := c.Subscribe("shelves", func(_ context.Context, d *client.Delivery) error {
		delivered <- d
		return nil
	}, client.WithClaim(0, 5*time.Second))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Append(ctx, "stock", client.Append{Stream: "stock/depot/item/1", Events: []client.NewEvent{
		{Type: "item.counted", Final: true},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	d := <-delivered
	fmt.Println(d.Stream, "of bucket", d.Bucket, "at attempt", d.Attempt)

	stopping, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := subscription.Stop(stopping); err != nil { // gives the buckets back: another node has them at once
		fmt.Println(err)
	}
	// Output:
	// stock/depot/item/1 of bucket 1 at attempt 1
}
