//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const minMajor = 15

// binaries are the programs of one PostgreSQL installation.
type binaries struct {
	initdb, postgres string
	major            int
}

// findBinaries takes the first installation that is new enough, fits the cluster where there is one, and can be
// reached by the server's user.
func findBinaries(ctx context.Context, cfg PostgresConfig, who runAs) (binaries, error) {
	want, err := clusterMajor(cfg.DataDir)
	if err != nil {
		return binaries{}, err
	}
	if cfg.PGBin != "" {
		bin, err := inspect(ctx, cfg.PGBin, want, who)
		if err != nil {
			return binaries{}, fmt.Errorf("programs in %s: %w", cfg.PGBin, err)
		}
		return bin, nil
	}
	var unfit []error
	for _, dir := range append(installedDirs(), cachedDirs(cfg.CacheDir)...) {
		bin, err := inspect(ctx, dir, want, who)
		if err == nil {
			return bin, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			unfit = append(unfit, fmt.Errorf("%s: %w", dir, err))
		}
	}
	dir, err := fetchBundle(ctx, cfg, want, who)
	if err == nil {
		var bin binaries
		if bin, err = inspect(ctx, dir, want, who); err == nil {
			return bin, nil
		}
	}
	return binaries{}, noBinaries(want, append(unfit, err))
}

func noBinaries(want int, reasons []error) error {
	need := fmt.Sprintf("no PostgreSQL %d or newer was found", minMajor)
	if want > 0 {
		need = fmt.Sprintf("the data folder was made by PostgreSQL %d, and no PostgreSQL %d was found", want, want)
	}
	return fmt.Errorf("%s. Install it: %s\n%w", need, installCommand(want), errors.Join(reasons...))
}

// inspect looks at one folder of programs. os.ErrNotExist means that there are none.
func inspect(ctx context.Context, dir string, want int, who runAs) (binaries, error) {
	// PostgreSQL finds its files from where its program truly is, so links are followed first.
	initdb, err := filepath.EvalSymlinks(filepath.Join(dir, "initdb"))
	if err != nil {
		return binaries{}, err
	}
	postgres := filepath.Join(filepath.Dir(initdb), "postgres")
	if _, err := os.Stat(postgres); err != nil {
		return binaries{}, err
	}
	if barrier := who.barrier(filepath.Dir(initdb)); barrier != "" {
		return binaries{}, fmt.Errorf("user %s, who runs PostgreSQL in root's place, cannot get there: %s is closed to it", who.name, barrier)
	}
	major, err := majorOf(ctx, postgres)
	if err != nil {
		return binaries{}, err
	}
	if major < minMajor {
		return binaries{}, fmt.Errorf("PostgreSQL %d is too old", major)
	}
	if want > 0 && major != want {
		return binaries{}, fmt.Errorf("this is PostgreSQL %d, the data folder was made by %d: use PostgreSQL %d, or dump there and restore here", major, want, want)
	}
	return binaries{initdb: initdb, postgres: postgres, major: major}, nil
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func majorOf(ctx context.Context, postgres string) (int, error) {
	cmd := exec.CommandContext(ctx, postgres, "--version")
	cmd.Env = cleanEnv()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s --version: %w: %s", postgres, err, lastBytes(out, 500))
	}
	found := versionText.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("%s --version: cannot read %q", postgres, lastBytes(out, 100))
	}
	return strconv.Atoi(string(found[1]))
}

// clusterMajor is the version that made the cluster, 0 where there is none yet.
func clusterMajor(dataDir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dataDir, "pgdata", "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("data folder: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("data folder: PG_VERSION holds %q", strings.TrimSpace(string(text)))
	}
	return major, nil
}

// installedDirs are PATH's folders and those in which packages put PostgreSQL, the newest version of each first.
func installedDirs() []string {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                   // PostgreSQL's own packages for Red Hat
		"/usr/libexec/postgresql*",           // Alpine
		"/opt/homebrew/opt/postgresql@*/bin", // Homebrew on Apple silicon
		"/usr/local/opt/postgresql@*/bin",    // Homebrew on Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/usr/local/pgsql/bin",
	} {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return versionIn(b) - versionIn(a) })
		dirs = append(dirs, found...)
	}
	return dirs
}

var number = regexp.MustCompile(`\d+`)

// versionIn is the last number in a path.
func versionIn(path string) int {
	all := number.FindAllString(path, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1])
	return n
}
