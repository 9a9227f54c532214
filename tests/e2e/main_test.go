// Package e2e_test checks the whole road from outside: real event logs go in over NATS, deliveries come out, and what the
// protocol promises is compared with what was seen. It speaks plain NATS and JSON, and computes the published rules
// itself.
package e2e_test

import (
	"fmt"
	"os"
	"testing"

	"kapivara/tests/kit"
)

func TestMain(m *testing.M) {
	if os.Getenv(nodeURL) != "" {
		fmt.Fprintln(os.Stderr, runNodeProcess())
		os.Exit(1)
	}
	if err := setRolePasswords(); err != nil {
		panic(err)
	}
	code := kit.Run(m)
	removeBinaries()
	os.Exit(code)
}
