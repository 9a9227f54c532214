package client_test

import (
	"context"
	"fmt"

	"kapivara/pkg/client"
)

// Read gives a stream event by event, however long it is.
func ExampleClient_Read() {
	ctx := context.Background()
	c, err := client.Connect(busURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	for i := range 3 {
		e, err := client.JSON("reading.taken", map[string]int{"celsius": 20 + i})
		if err != nil {
			fmt.Println(err)
			return
		}
		e.Final = i == 2
		if _, err := c.Append(ctx, "thermometer", client.Append{Stream: "house/cellar/day/2026-11-24", Events: []client.NewEvent{e}}); err != nil {
			fmt.Println(err)
			return
		}
	}
	for e, err := range c.Read(ctx, client.StreamQuery{Stream: "house/cellar/day/2026-11-24"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e.Position, e.Type, string(e.Data), e.Final)
	}
	// Output:
	// 1 reading.taken {"celsius":20} false
	// 2 reading.taken {"celsius":21} false
	// 3 reading.taken {"celsius":22} true
}
