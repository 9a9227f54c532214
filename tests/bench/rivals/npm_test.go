package rivals

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"kapivara/tests/bench/harness"
)

// Not parallel: the environment is the process's.

func TestWithoutNpmACellIsSkippedAndNothingIsLeft(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	t.Setenv("PATH", t.TempDir())
	_, err := npmPackage{"@nobody/no-such-package", "1.0.0"}.install(t.Context(), &harness.Stage{})
	if reflect.TypeOf(err) != reflect.TypeOf(harness.Skip("")) {
		t.Errorf("got %v, want that the cell is skipped", err)
	}
	found := 0
	_ = filepath.WalkDir(cache, func(_ string, entry os.DirEntry, _ error) error {
		if !entry.IsDir() {
			found++
		}
		return nil
	})
	if found > 0 {
		t.Errorf("%d files are left in the cache", found)
	}
}

func TestAnInstalledPackageIsFoundWithoutNpm(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	t.Setenv("PATH", t.TempDir())
	user, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(user, "kapivara", "bench", "no-such-package-1.0.0")
	if err := os.MkdirAll(want, 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := npmPackage{"@nobody/no-such-package", "1.0.0"}.install(t.Context(), &harness.Stage{})
	if err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
