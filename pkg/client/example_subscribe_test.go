package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kapivara/pkg/client"
)

// A handler gets each finished stream whole and in order. Its return is the answer: nil commits, an error has the
// delivery sent again, Terminate parks it.
func ExampleClient_Subscribe() {
	ctx := context.Background()
	c, err := client.Connect(busURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	streams := client.Filter{"shop/*"}
	if _, err := c.SetSubscriber(ctx, "invoices", client.SubscriberPatch{Streams: &streams}); err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan struct{})
	subscription, err := c.Subscribe("invoices", func(ctx context.Context, d *client.Delivery) error {
		if d.Attempt == 1 {
			return client.RetryAfter(50*time.Millisecond, errors.New("the printer is out of paper"))
		}
		for e, err := range d.Events(ctx) {
			if err != nil {
				return err
			}
			fmt.Println(d.Stream, e.Position, e.Type)
		}
		close(done)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Append(ctx, "shop", client.Append{Stream: "shop/web/order/1", Events: []client.NewEvent{
		{Type: "order.placed"}, {Type: "order.shipped", Final: true},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	<-done

	stopping, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := subscription.Stop(stopping); err != nil {
		fmt.Println(err)
		return
	}
	explained, err := c.Explain(ctx, "shop/web/order/1", "invoices")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(explained.Subscribers[0].State, "at attempt", explained.Subscribers[0].Attempt)
	// Output:
	// shop/web/order/1 1 order.placed
	// shop/web/order/1 2 order.shipped
	// committed at attempt 2
}
