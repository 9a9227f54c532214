//go:build unix

package embedded_test

import (
	"os"
	"testing"

	"kapivara/tests/kit"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		runChild(dir)
		return
	}
	kit.Main(m)
}
