//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// pidFile is what a running server writes down of itself.
type pidFile struct {
	pid   int
	ready bool
}

func (c *cluster) readPidFile() pidFile {
	text, err := os.ReadFile(filepath.Join(c.dir, "postmaster.pid"))
	if err != nil {
		return pidFile{}
	}
	lines := strings.Split(string(text), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(lines[0]))
	return pidFile{pid: pid, ready: len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"}
}

func (c *cluster) serverPid() int { return c.readPidFile().pid }

// clearStalePid removes the pid file of a server that is gone, as a power loss leaves it: PostgreSQL itself would
// refuse to start when another process of its user has that number by now. We hold the folder's lock, so a server
// that is there all the same was started by other means.
func (c *cluster) clearStalePid() error {
	path := filepath.Join(c.dir, "postmaster.pid")
	pid := c.serverPid()
	if pid > 0 && alive(pid) && c.runsHere(pid) {
		return fmt.Errorf("another PostgreSQL server (process %d) runs on %s: stop it first", pid, c.dir)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("stale postmaster.pid: %w", err)
	}
	return nil
}

// runsHere tells whether the process is a server of this folder, which it always has as its working folder.
func (c *cluster) runsHere(pid int) bool {
	if runtime.GOOS == "linux" {
		theirs, err1 := os.Stat("/proc/" + strconv.Itoa(pid) + "/cwd")
		ours, err2 := os.Stat(c.dir)
		return err1 == nil && err2 == nil && os.SameFile(theirs, ours)
	}
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(out), "postgres") && strings.Contains(string(out), c.dir)
}

// awaitReady waits until the server says in its pid file that it takes connections.
func (c *cluster) awaitReady(ctx context.Context, cfg PostgresConfig, k *keeper) error {
	began, told := time.Now(), false
	for wait := time.Millisecond; !c.readPidFile().ready; wait = min(2*wait, 20*time.Millisecond) {
		select {
		case <-k.done:
			return fmt.Errorf("start: %w", k.failure())
		default:
		}
		if !told && time.Since(began) > 3*time.Second {
			cfg.Progress("PostgreSQL replays its log after a crash")
			told = true
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("start: not ready yet: %w", err)
		}
	}
	return nil
}
