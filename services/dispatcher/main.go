// Command dispatcher is the dispatcher: it sends finished streams to subscribers and settles their answers. It is told everything by its environment.
package main

import (
	"os"

	"kapivara/pkg/app"
	"kapivara/services/boot"
)

func main() { os.Exit(boot.Main("kapivara-dispatcher", app.Dispatcher)) }
