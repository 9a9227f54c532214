package rivals

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"kapivara/tests/bench/harness"
)

// installing is held while npm works: two cells may want the same folder.
var installing sync.Mutex //nolint:gochecknoglobals // guards a folder of the user's, of which there is one

// npmPackage is a package of npm with its exact version.
type npmPackage struct{ name, version string }

// install gives a folder in which Node.js finds the package, and all of what it names as well. It is in the user's cache;
// the first run has npm install it there, without its scripts. Where that cannot be the cell is skipped.
func (p npmPackage) install(ctx context.Context, s *harness.Stage, with ...npmPackage) (string, error) {
	installing.Lock()
	defer installing.Unlock()
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", harness.Skip("no folder for npm's packages: %v", err)
	}
	dir := filepath.Join(cache, "kapivara", "bench", filepath.Base(p.name)+"-"+p.version)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", harness.Skip("no folder for npm's packages: %v", err)
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return "", harness.Skip("needs npm to install %s: %v", p.name, err)
	}
	s.Say("npm installs %s %s", p.name, p.version)
	// Renamed when whole, so that a run that is broken off leaves nothing that looks installed.
	unfinished, err := os.MkdirTemp(makeParent(dir), "unfinished-")
	if err != nil {
		return "", harness.Skip("no folder for npm's packages: %v", err)
	}
	defer os.RemoveAll(unfinished)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	args := []string{"install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", "--prefix", unfinished}
	for _, q := range append([]npmPackage{p}, with...) {
		args = append(args, q.name+"@"+q.version)
	}
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir = unfinished
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", harness.Skip("npm cannot install %s %s: %v: %s", p.name, p.version, err, out)
	}
	if err := os.Rename(unfinished, dir); err != nil {
		return "", harness.Skip("no folder for npm's packages: %v", err)
	}
	return dir, nil
}

// makeParent makes the folder above and gives it; that it could not is seen by the next step.
func makeParent(dir string) string {
	parent := filepath.Dir(dir)
	_ = os.MkdirAll(parent, 0o755)
	return parent
}
