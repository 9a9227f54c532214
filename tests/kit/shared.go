package kit

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Shared is the folder with the data sets and cases that are kept outside of the repository: $KAPIVARA_SHARED, else the
// folder shared beside the repository's root. The test is skipped where there is none.
func Shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("KAPIVARA_SHARED")
	if dir == "" {
		dir = filepath.Join(filepath.Dir(Root(t)), "shared")
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		t.Skipf("needs the shared test data: %s is no folder (KAPIVARA_SHARED names another)", dir)
	}
	return dir
}

// Root is the repository's root: the nearest folder above the test with a go.mod.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("kit: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatalf("kit: %v", errors.New("no go.mod above the test"))
		}
		dir = filepath.Dir(dir)
	}
}
