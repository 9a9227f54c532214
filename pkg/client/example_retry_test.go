package client_test

import (
	"context"
	"fmt"
	"time"

	"kapivara/pkg/client"
)

// Retry sends the same append, with the same ids, until there is an answer that tells. It is safe: whatever was stored
// by an attempt whose answer was lost is recognised as a repeat.
func ExampleRetry() {
	c, err := client.Connect(busURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	a := client.Append{Stream: "lending/loans/application/A-2", Events: []client.NewEvent{{Type: "application.submitted"}}}
	var result client.AppendResult
	err = client.Retry(ctx, func(ctx context.Context) (err error) {
		result, err = c.Append(ctx, "loans-api", a)
		return err
	})
	fmt.Println("position", result.Events[0].Position, err)
	// Output: position 1 <nil>
}
