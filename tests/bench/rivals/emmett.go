package rivals

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
)

//go:embed emmett.mjs
var emmettScript []byte

// emmett appends to an event store of emmett-postgresql, so many at a time. It is a library for Node.js, so a process of
// that makes the load; it counts as the client.
func emmett(concurrent int) func(context.Context, *harness.Stage) (harness.Runner, error) {
	return func(ctx context.Context, s *harness.Stage) (harness.Runner, error) {
		node, err := exec.LookPath("node")
		if err != nil {
			return nil, harness.Skip("needs Node.js: %v", err)
		}
		const version = "0.42.0"
		dir, err := npmPackage{"@event-driven-io/emmett-postgresql", version}.install(ctx, s, npmPackage{"pg", "8.23.1"})
		if err != nil {
			return nil, err
		}
		url, err := s.Database(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return nil, fmt.Errorf("connect: %w", err)
		}
		s.Cleanup(conn.Close)
		e := &emmettProcess{}
		if err := e.start(ctx, s, exec.Command(node), dir, url, concurrent); err != nil {
			return nil, err
		}
		s.Version("emmett-postgresql", version)
		r := rounds{stage: s, load: e.load}
		r.analyze = func(ctx context.Context) error {
			_, err := conn.Exec(ctx, "analyze")
			return err
		}
		r.count = func(ctx context.Context) (n int64, err error) {
			err = conn.QueryRow(ctx, "select count(*) from emt_messages").Scan(&n)
			return n, err
		}
		return r.start(ctx)
	}
}

// emmettProcess reads a round's milliseconds from a line of its stdin, and answers with a line of its stdout.
type emmettProcess struct {
	*harness.Process
	in io.WriteCloser
}

func (e *emmettProcess) start(ctx context.Context, s *harness.Stage, cmd *exec.Cmd, dir, url string, concurrent int) error {
	own, err := s.NewDir("emmett")
	if err != nil {
		return err
	}
	// A module finds its packages beside itself, so the packages are brought to it.
	if err := os.Symlink(filepath.Join(dir, "node_modules"), filepath.Join(own, "node_modules")); err != nil {
		return fmt.Errorf("emmett's packages: %w", err)
	}
	script := filepath.Join(own, "emmett.mjs")
	if err := os.WriteFile(script, emmettScript, 0o600); err != nil {
		return fmt.Errorf("emmett's script: %w", err)
	}
	cmd.Args = append(cmd.Args, script, url, strconv.Itoa(concurrent), eventType, string(load.Data()), strconv.Itoa(streamLength))
	cmd.Env = harness.CleanEnv()
	if e.in, err = cmd.StdinPipe(); err != nil {
		return fmt.Errorf("emmett's stdin: %w", err)
	}
	var node string
	if e.Process, node, err = s.Spawn(ctx, harness.Client, cmd); err != nil {
		return err
	}
	s.Version("Node.js", node)
	return nil
}

func (e *emmettProcess) load(ctx context.Context, length time.Duration) (harness.Result, error) {
	if _, err := fmt.Fprintln(e.in, length.Milliseconds()); err != nil {
		return harness.Result{}, fmt.Errorf("emmett: %w", err)
	}
	var line string
	select {
	case got, ok := <-e.Lines:
		if !ok {
			return harness.Result{}, errors.New("emmett's process has ended")
		}
		line = got
	case <-time.After(length + answerWithin):
		return harness.Result{}, errors.New("emmett does not answer")
	case <-ctx.Done():
		return harness.Result{}, ctx.Err()
	}
	var said struct {
		Error     string
		Elapsed   float64 // ms
		Latencies []int64 // µs
	}
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		return harness.Result{}, fmt.Errorf("emmett: %w", err)
	}
	if said.Error != "" {
		return harness.Result{}, fmt.Errorf("emmett: %s", said.Error)
	}
	r := harness.Result{Operations: int64(len(said.Latencies)), Elapsed: time.Duration(said.Elapsed * float64(time.Millisecond))}
	for _, us := range said.Latencies {
		r.Latencies = append(r.Latencies, time.Duration(us)*time.Microsecond)
	}
	return r, nil
}
