//go:build unix

package embedded

import (
	"context"
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
func openCluster(ctx context.Context, cfg PostgresConfig, bin binaries, who runAs, lock *os.File) (*cluster, error) {
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
	if err := initdb(ctx, bin, fresh, who, lock); err != nil {
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

// initdb makes a cluster in dir. It and its children end with ctx, and hold the lock as long as they live.
func initdb(ctx context.Context, bin binaries, dir string, who runAs, lock *os.File) error {
	c, err := newCluster(dir, who)
	if err != nil {
		return err
	}
	defer c.Close()
	cmd := exec.CommandContext(ctx, bin.initdb, "-D", c.pathForServer, "-U", Owner, "-A", "trust",
		"-E", "UTF8", "--locale=C", "--data-checksums")
	c.prepare(cmd, who, [2]*os.File{1: lock})
	cmd.SysProcAttr.Setpgid = true
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
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
