// The tests stand outside of the package, since kit imports it for its migrated template.
package postgres_test

import (
	"testing"

	"kapivara/tests/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }
