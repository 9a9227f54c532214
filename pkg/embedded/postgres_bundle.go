//go:build unix

package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

func defaultCacheDir() string {
	if os.Geteuid() == 0 {
		return "/var/cache/kapivara" // root's own folder would be closed to the user who runs PostgreSQL
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "kapivara")
	}
	return filepath.Join(os.TempDir(), "kapivara-cache")
}

func cachedDirs(string) []string { return nil }

func fetchBundle(context.Context, PostgresConfig) (string, error) {
	return "", errors.New("no bundle")
}

func installCommand(int) string { return "apt-get install postgresql" }
