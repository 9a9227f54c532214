package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
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

// startWithin is how long a process may take until it serves, a new cluster on a busy machine included.
const startWithin = 2 * time.Minute

var built struct {
	mu   sync.Mutex
	dir  string
	done map[string]error
}

// program builds a command of the repository once a run, and gives its path.
func program(t *testing.T, name string) string {
	t.Helper()
	built.mu.Lock()
	defer built.mu.Unlock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "kapivara-e2e-") //nolint:usetesting // all tests of the binary share it
		if err != nil {
			t.Fatal(err)
		}
		built.dir, built.done = dir, map[string]error{}
	}
	path := filepath.Join(built.dir, name)
	err, done := built.done[name]
	if !done {
		cmd := exec.Command("go", "build", "-o", path, "./services/"+name)
		cmd.Dir = kit.Root(t)
		if out, failed := cmd.CombinedOutput(); failed != nil {
			err = fmt.Errorf("%w: %s", failed, out)
		}
		built.done[name] = err
	}
	if err != nil {
		t.Fatalf("build %s: %v", name, err)
	}
	return path
}

// removeBinaries is for the end of the run.
func removeBinaries() { os.RemoveAll(built.dir) }

// process is a child process of the test.
type process struct {
	cmd    *exec.Cmd
	lines  chan string // of stdout, closed at its end
	log    *bytes.Buffer
	exited chan struct{}
	err    error // how it ended; read after exited
}

// spawn starts a program with these additions to the environment. It is killed at the test's end where it still runs; its
// stderr is shown when the test has failed.
func spawn(t *testing.T, env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path, args...), lines: make(chan string, 1024), log: &bytes.Buffer{}, exited: make(chan struct{})}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "KAPIVARA_") && !strings.HasPrefix(kv, "NATS_") {
			p.cmd.Env = append(p.cmd.Env, kv)
		}
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.lines <- lines.Text()
		}
		close(p.lines)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			log := p.log.Bytes()
			t.Logf("%s %v, %v:\n%s", filepath.Base(path), args, p.err, log[max(0, len(log)-4000):])
		}
	})
	return p
}

// kill is kill -9 of the process, and of no other.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	for range p.lines {
	}
	<-p.exited
}

// signal sends a signal.
func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("signal %v: %v", s, err)
	}
}

// ready waits for the line "<name> ready <url>" and gives the URL.
func (p *process) ready(t *testing.T) string {
	t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			<-p.exited
			t.Fatalf("%s ended before it was ready: %v\n%s", filepath.Base(p.cmd.Path), p.err, p.log)
		}
		_, url, found := strings.Cut(line, " ready ")
		if !found {
			t.Fatalf("the first line on stdout: got %q, want the ready line", line)
		}
		return url
	case <-time.After(startWithin):
		t.Fatalf("%s: not ready within %v", filepath.Base(p.cmd.Path), startWithin)
		return ""
	}
}

// ended waits for the end of a process that was told to end, and gives what it wrote to stdout and its error.
func (p *process) ended(t *testing.T, within time.Duration) (out []string, err error) {
	t.Helper()
	late := time.After(within)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				<-p.exited
				return out, p.err
			}
			out = append(out, line)
		case <-late:
			t.Fatalf("%s %v: still runs after %v", filepath.Base(p.cmd.Path), p.cmd.Args[1:], within)
		}
	}
}

// command runs the kapivara command to its end, and fails the test where it fails.
func command(t *testing.T, within time.Duration, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, "kapivara"), args...)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kapivara %v: %v\n%s%s", args, err, out, log.Bytes())
	}
	return string(out)
}

// freePort is a port that nobody listens on right now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// left lists the processes that work in the folder or name it: PostgreSQL's, where something went wrong.
func left(t *testing.T, dir string) (found []string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		line, _ := os.ReadFile(filepath.Join(p, "cmdline"))
		cwd, _ := os.Readlink(filepath.Join(p, "cwd"))
		if p != fmt.Sprintf("/proc/%d", os.Getpid()) && (strings.HasPrefix(cwd, dir) || bytes.Contains(line, []byte(dir))) {
			found = append(found, fmt.Sprintf("%s %q", filepath.Base(p), bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return found
}

// awaitNothingLeft waits until no process is left that has to do with the folder.
func awaitNothingLeft(t *testing.T, dir string) {
	t.Helper()
	kit.Eventually(t, time.Minute, func() error {
		if found := left(t, dir); len(found) > 0 {
			return fmt.Errorf("processes are left: %v", found)
		}
		return nil
	})
}

// up starts kapivara up on the folder and port and waits until it serves.
func up(t *testing.T, dir string, port int) (*process, string) {
	t.Helper()
	p := startUp(t, dir, port)
	return p, p.ready(t)
}

func startUp(t *testing.T, dir string, port int) *process {
	t.Helper()
	return spawn(t, []string{
		"KAPIVARA_DATA_DIR=" + dir, fmt.Sprintf("KAPIVARA_NATS_LISTEN=127.0.0.1:%d", port), "KAPIVARA_PG_BIN=" + os.Getenv("KAPIVARA_PG_BIN"),
	}, program(t, "kapivara"), "up")
}

// down ends it as a terminal would, and waits.
func (p *process) down(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	if _, err := p.ended(t, time.Minute); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}
