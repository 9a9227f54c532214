package readme_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kapivara/tests/kit"
)

// patience bounds whatever is waited for; the machine may be busy with other tests.
const patience = 2 * time.Minute

// shell runs commands as a user would who has the binary and, perhaps, the nats command.
type shell struct {
	dir string // current folder of the commands
	env []string
}

// newShell builds the binary once, and finds the nats command.
func newShell(t *testing.T) *shell {
	t.Helper()
	dir, err := os.MkdirTemp("", "kapivara-readme-") //nolint:usetesting // its folders are closed to the user who runs PostgreSQL in root's place
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin")
	build(t, "-o", filepath.Join(bin, "kapivara"), "./services/kapivara")
	s := &shell{dir: dir, env: []string{
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + dir, "XDG_CONFIG_HOME=" + filepath.Join(dir, ".config"), // no context of the nats command
		"KAPIVARA_DATA_DIR=" + filepath.Join(dir, "kapivara-data"),
		"KAPIVARA_NATS_LISTEN=127.0.0.1:-1",
	}}
	for _, name := range []string{"KAPIVARA_PG_BIN", "TMPDIR", "XDG_CACHE_HOME"} {
		if value := os.Getenv(name); value != "" {
			s.env = append(s.env, name+"="+value)
		}
	}
	return s
}

// nats puts the nats command where the shell finds it: that of the PATH, else the one that tools/go.mod names, built by Go.
func (s *shell) nats(t *testing.T) (ok bool) {
	if _, err := exec.LookPath("nats"); err == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "tool", "-modfile=tools/go.mod", "-n", "nats")
	cmd.Dir = kit.Root(t)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err == nil {
		err = os.Symlink(strings.TrimSpace(string(out)), filepath.Join(s.dir, "bin", "nats"))
	}
	if err != nil {
		t.Logf("the lines of the nats command are not run, it can't be had here: %v\n%s", err, said.Bytes())
	}
	return err == nil
}

func build(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"build"}, args...)...)
	cmd.Dir = kit.Root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// running is a command with what it has said so far.
type running struct {
	cmd  *exec.Cmd
	done chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

// Write takes what the command says.
func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(p)
}

func (r *running) output() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.String()
}

// start starts a command line in a process group of its own, which is killed at the end of the test at the latest.
func (s *shell) start(t *testing.T, line string) *running {
	t.Helper()
	r := &running{done: make(chan struct{})}
	r.cmd = exec.Command("sh", "-c", "exec "+line)
	r.cmd.Dir, r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = s.dir, s.env, r, r
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	go func() {
		defer close(r.done)
		_ = r.cmd.Wait() // what it said is compared; `nats reply --count` always ends with 1
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) // has gone already in most cases
		<-r.done
	})
	return r
}

// run runs a command line to its end and gives what it said.
func (s *shell) run(ctx context.Context, line string) (string, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		err = nil // a refusal: its words are compared
	}
	return string(out), err
}

// ends waits until the command has ended.
func (r *running) ends() error {
	select {
	case <-r.done:
		return nil
	case <-time.After(patience):
		return errors.New("it has not ended; so far it has said:\n" + r.output())
	}
}

// interrupt ends the command as Ctrl-C does.
func (r *running) interrupt() error {
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return r.ends()
}
