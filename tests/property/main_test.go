// Package property holds appends to their invariants over requests that nobody thought of, and to the cases of others.
package property

import (
	"testing"

	"kapivara/tests/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }
