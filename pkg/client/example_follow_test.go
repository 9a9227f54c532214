package client_test

import (
	"context"
	"fmt"

	"kapivara/pkg/client"
)

// A read model keeps page.Next together with what it has made of the events, and goes on from there after any crash.
func ExampleClient_Follow() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c, err := client.Connect(busURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	go func() {
		for _, id := range []string{"M-1", "M-2"} {
			a := client.Append{Stream: client.Stream("crm/mail/thread/" + id), Events: []client.NewEvent{{Type: "mail.received"}}}
			_, _ = c.Append(ctx, "mailer", a)
		}
	}()

	seen := 0
	for page, err := range c.Follow(ctx, client.LogQuery{After: 0, Types: client.Filter{"mail.*"}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, e := range page.Events {
			fmt.Println(e.Stream, e.Type)
		}
		// Store page.Next here, in the same transaction.
		if seen += len(page.Events); seen == 2 {
			break
		}
	}
	// Output:
	// crm/mail/thread/M-1 mail.received
	// crm/mail/thread/M-2 mail.received
}
