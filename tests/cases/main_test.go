// Package cases holds the bus to what the users of other systems rely on: a published set of cases, each run against a real
// store, NATS and services, over the wire.
package cases

import (
	"testing"

	"kapivara/tests/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }
