// Package property holds appends to their invariants over requests that nobody thought of, and to the cases of others.
package property

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"kapivara/tests/kit"
)

// Each test makes 40 checks; -rapid.checks sets another number.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "40"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	kit.Main(m)
}
