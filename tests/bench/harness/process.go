package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// startWithin is how long a process may take until it is ready, on a busy machine.
const startWithin = 2 * time.Minute

// Process is one that a cell has started.
type Process struct {
	// Role is under which the table shows what it has used.
	Role string
	// Lines are those of its stdout after the first one, dropped where nobody reads.
	Lines <-chan string

	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended; read after done
	log  tail
}

// Spawn starts a process that is counted under a role, and waits for the first line on its stdout, which it gives: the
// process says by it that it is ready. It ends with the cell by an interrupt, and with this process whatever that dies of.
func (s *Stage) Spawn(ctx context.Context, role string, cmd *exec.Cmd) (p *Process, ready string, err error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", fmt.Errorf("start %s: %w", role, err)
	}
	lines := make(chan string, 1024)
	p = &Process{Role: role, Lines: lines, cmd: cmd, done: make(chan struct{})}
	cmd.Stderr = &p.log
	ownGroup(cmd) // a terminal's Ctrl-C is for us alone: we end our children in order
	if err := s.launcher.start(cmd); err != nil {
		return nil, "", fmt.Errorf("start %s: %w", role, err)
	}
	first := make(chan string, 1)
	go p.follow(out, first, lines)
	s.processes = append(s.processes, p)
	s.Cleanup(p.stop)
	select {
	case ready = <-first:
		return p, ready, nil
	case <-p.done:
		return nil, "", fmt.Errorf("%s ended before it was ready: %w: %s", role, p.err, p.log.String())
	case <-time.After(startWithin):
		return nil, "", fmt.Errorf("%s is not ready within %v: %s", role, startWithin, p.log.String())
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
}

// follow reads stdout to its end and waits for the process.
func (p *Process) follow(out io.Reader, first, lines chan<- string) {
	defer close(p.done)
	defer close(lines)
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for n := 0; scanner.Scan(); n++ {
		if n == 0 {
			first <- scanner.Text()
			continue
		}
		select {
		case lines <- scanner.Text():
		default:
		}
	}
	_, _ = io.Copy(io.Discard, out) // after a line that is too long
	p.err = p.cmd.Wait()
}

// Stop ends the process before its cell does.
func (p *Process) Stop(ctx context.Context) error { return p.stop(ctx) }

// stop interrupts the process, and kills it where it does not end. It may have ended.
func (p *Process) stop(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.Role, err)
	}
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("stop %s: killed: %w", p.Role, ctx.Err())
	}
}

// alive tells whether it still runs.
func (p *Process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Pid is its process number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// CleanEnv is this process's environment without what would set up a service or a client of ours, and with the additions.
func CleanEnv(additions ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "KAPIVARA_") && !strings.HasPrefix(kv, "NATS_") && !strings.HasPrefix(kv, "PG") {
			env = append(env, kv)
		}
	}
	return append(env, additions...)
}

// Self is a command of this program, told by its first argument to be something else than the bench.
func Self(args ...string) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(filepath.Clean(path), args...)
	cmd.Env = CleanEnv()
	return cmd, nil
}

// tail keeps the last bytes of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - 4096; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
