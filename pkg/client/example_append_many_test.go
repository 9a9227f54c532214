package client_test

import (
	"context"
	"errors"
	"fmt"

	"kapivara/pkg/client"
)

// A transfer is stored in both accounts or in neither, and only while the account that pays stands as it was read and
// nobody has locked it. Every expectation that fails is listed.
func ExampleClient_AppendMany() {
	ctx := context.Background()
	c, err := client.Connect(busURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	from, into := client.Stream("bank/accounts/account/A"), client.Stream("bank/accounts/account/B")
	transfer := client.AppendMany{
		Appends: []client.Append{
			{Stream: from, Expect: client.ExpectVersion(0), Events: []client.NewEvent{{Type: "withdrawn", Kind: client.JSONData, Data: []byte("100")}}},
			{Stream: into, Events: []client.NewEvent{{Type: "deposited", Kind: client.JSONData, Data: []byte("100")}}},
		},
		Conditions: []client.Condition{{Stream: "bank/accounts/lock/A", Expect: client.ExpectNew()}},
	}
	result, err := c.AppendMany(ctx, "bank", transfer)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range result.Appends {
		fmt.Println(r.Stream, "version", r.Version)
	}

	transfer.Appends[0].Events = []client.NewEvent{{Type: "withdrawn"}}
	transfer.Appends[1].Events = []client.NewEvent{{Type: "deposited"}}
	_, err = c.AppendMany(ctx, "bank", transfer)
	var refusal *client.Error
	if errors.As(err, &refusal) {
		for _, v := range refusal.Facts.Violations {
			fmt.Println(refusal.Code, v.Stream, "expected", v.Expected, "is", v.Actual)
		}
	}
	// Output:
	// bank/accounts/account/A version 1
	// bank/accounts/account/B version 1
	// wrong_version bank/accounts/account/A expected 0 is 1
}
