//go:build unix

package embedded

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed keeper.sh
var keeperScript string

// keeper is the shell that is the server's parent. It stops the server when the pipe closes: by us, or by the kernel
// when this process dies.
type keeper struct {
	pid    int
	pipe   *os.File // the write end
	once   sync.Once
	done   chan struct{} // closed when the keeper and with it the server are gone
	err    error         // how it ended; read after done
	log    string
	logPos int64
	server func() int // the server's process, 0 where it is not known
}

func startKeeper(cfg PostgresConfig, bin binaries, c *cluster, who runAs, socketDir string, lock, log *os.File) (*keeper, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	defer read.Close()
	args := []string{"-c", keeperScript, "keeper", strconv.Itoa(int(max(time.Second, cfg.StopGrace) / time.Second)), bin.postgres}
	cmd := exec.Command("/bin/sh", append(args, serverArgs(c.pathForServer, socketDir, cfg.Settings)...)...)
	cmd.Stdout, cmd.Stderr = log, log
	c.prepare(cmd, who, [2]*os.File{read, lock})
	cmd.SysProcAttr.Setsid = true // a terminal's Ctrl-C is for us alone
	k := &keeper{pipe: write, done: make(chan struct{}), log: log.Name(), server: c.serverPid}
	if info, err := log.Stat(); err == nil {
		k.logPos = info.Size()
	}
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, fmt.Errorf("start %s: %w", bin.postgres, err)
	}
	k.pid = cmd.Process.Pid
	go k.wait(cmd)
	return k, nil
}

func (k *keeper) wait(cmd *exec.Cmd) {
	err := cmd.Wait()
	k.askToStop()
	if cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
		// The keeper was killed: its server has no parent, and the end of the pipe stops it through the watcher.
		k.awaitOrphan()
	}
	k.err = err
	close(k.done)
}

// awaitOrphan waits for a server whose keeper was killed, and kills it where nothing else does.
func (k *keeper) awaitOrphan() {
	pid := k.server()
	for deadline := time.Now().Add(10 * time.Second); pid > 0 && alive(pid); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGQUIT)
			deadline = time.Now().Add(10 * time.Second)
		}
	}
}

// askToStop begins a fast shutdown.
func (k *keeper) askToStop() {
	k.once.Do(func() { k.pipe.Close() })
}

// kill stops the server at once, without a checkpoint.
func (k *keeper) kill() {
	if pid := k.server(); pid > 0 {
		_ = syscall.Kill(pid, syscall.SIGQUIT)
		return
	}
	_ = syscall.Kill(-k.pid, syscall.SIGKILL)
}

// failure says why the server ended, in the words of its log.
func (k *keeper) failure() error {
	why := "no reason given"
	if k.err != nil {
		why = k.err.Error()
	}
	if tail := logTail(k.log, k.logPos); tail != "" {
		why += "; " + filepath.Base(k.log) + " says:\n" + tail
	}
	return errors.New(why)
}

// cleanEnv is our environment without what would turn PostgreSQL's head: PG* settings, languages, time zone.
func cleanEnv() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "LC_") || name == "LANG" || name == "LANGUAGE" || name == "TZ" {
			continue
		}
		env = append(env, kv)
	}
	return env
}
