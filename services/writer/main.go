// Command writer is the write service: it stores events and keeps the registry. It is told everything by its environment.
package main

import (
	"os"

	"kapivara/pkg/app"
	"kapivara/services/boot"
)

func main() { os.Exit(boot.Main("kapivara-writer", app.Writer)) }
