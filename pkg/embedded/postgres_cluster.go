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
	"syscall"
	"time"
)

// handleFd is the file number by which the server has a folder that it inherits.
const handleFd = 5

// cluster is the folder with PostgreSQL's files.
type cluster struct {
	dir           string   // as we see it
	pathForServer string   // as the server's user sees it
	handle        *os.File // the folder, where the server's user can get there by no path
}

// Close releases the folder's handle.
func (c *cluster) Close() {
	if c.handle != nil {
		c.handle.Close()
	}
}

// openCluster finds the cluster in the data folder, or makes it. A cluster appears whole or not at all.
func openCluster(ctx context.Context, cfg PostgresConfig, bin binaries, who runAs) (*cluster, error) {
	dir := filepath.Join(cfg.DataDir, "pgdata")
	if _, err := os.Stat(filepath.Join(dir, "PG_VERSION")); err == nil {
		return newCluster(dir, who)
	}
	cfg.Progress("making a new PostgreSQL cluster in " + dir)
	fresh := dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return nil, fmt.Errorf("new cluster: %w", err)
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return nil, fmt.Errorf("new cluster: %w", err)
	}
	if err := who.own(fresh); err != nil {
		return nil, fmt.Errorf("new cluster: %w", err)
	}
	if err := initdb(ctx, bin, fresh, who); err != nil {
		return nil, err
	}
	if err := os.Rename(fresh, dir); err != nil {
		return nil, fmt.Errorf("new cluster: %w", err)
	}
	if err := syncDir(cfg.DataDir); err != nil {
		return nil, fmt.Errorf("new cluster: %w", err)
	}
	return newCluster(dir, who)
}

func initdb(ctx context.Context, bin binaries, dir string, who runAs) error {
	c, err := newCluster(dir, who)
	if err != nil {
		return err
	}
	defer c.Close()
	cmd := exec.CommandContext(ctx, bin.initdb, "-D", c.pathForServer, "-U", Owner, "-A", "trust",
		"-E", "UTF8", "--locale=C", "--data-checksums")
	c.prepare(cmd, who, [2]*os.File{})
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastBytes(out, 1000))
	}
	return nil
}

// newCluster opens dir. Below a folder that the server's user may not enter (/root) the server gets there by no path; it
// then inherits the open folder, and knows it by that.
func newCluster(dir string, who runAs) (*cluster, error) {
	c := &cluster{dir: dir, pathForServer: dir}
	barrier := who.barrier(filepath.Dir(dir))
	if barrier == "" {
		return c, nil
	}
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("the data folder %s cannot be reached by user %s, who runs PostgreSQL in root's place: %s is closed to it; choose another data folder", dir, who.name, barrier)
	}
	handle, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	c.handle, c.pathForServer = handle, "/proc/self/fd/"+strconv.Itoa(handleFd)
	return c, nil
}

// prepare lets cmd run as the server's user with a clean environment; extra are its files 3 and 4.
func (c *cluster) prepare(cmd *exec.Cmd, who runAs, extra [2]*os.File) {
	cmd.Env = cleanEnv()
	cmd.Dir = "/" // PostgreSQL's programs go back to where they started, which must be possible
	cmd.ExtraFiles = extra[:]
	if c.handle != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, c.handle)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who.credential}
}

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

func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}

func lastBytes(b []byte, n int) string {
	return strings.TrimSpace(string(b[max(0, len(b)-n):]))
}
