// Command reader is the read service: it answers questions about events, streams and deliveries. It is told everything by its environment.
package main

import (
	"os"

	"kapivara/pkg/app"
	"kapivara/services/boot"
)

func main() { os.Exit(boot.Main("kapivara-reader", app.Reader)) }
