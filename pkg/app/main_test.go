package app_test

import (
	"testing"

	"kapivara/tests/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }
