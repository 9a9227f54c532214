package client_test

import (
	"context"
	"fmt"

	"kapivara/pkg/client"
)

// An append is durable when it returns. The same events sent again are repeats, and a version that is not the expected
// one is a conflict.
func ExampleClient_Append() {
	ctx := context.Background()
	c, err := client.Connect(busURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	submitted, err := client.JSON("application.submitted", map[string]int{"amount": 20000})
	if err != nil {
		fmt.Println(err)
		return
	}
	a := client.Append{Stream: "lending/loans/application/A-1", Expect: client.ExpectNew(), Events: []client.NewEvent{submitted}}

	for range 2 {
		result, err := c.Append(ctx, "loans-api", a)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("version", result.Version, "stored", result.Events[0].Stored)
	}

	a.Events = []client.NewEvent{{Type: "application.signed"}}
	_, err = c.Append(ctx, "loans-api", a)
	fmt.Println(client.CodeOf(err), client.IsConflict(err), client.IsRetryable(err))
	// Output:
	// version 1 stored true
	// version 1 stored false
	// wrong_version true false
}
