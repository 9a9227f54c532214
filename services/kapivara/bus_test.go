package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"kapivara/pkg/app"
	"kapivara/pkg/wire"
)

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"kapivara": main})
}

// suite runs the tests, ends the bus that they shared, and fails when a goroutine is left.
type suite struct{ m *testing.M }

func (s suite) Run() int {
	status := s.m.Run()
	if err := testBus.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the bus:", err)
		status = max(status, 1)
	}
	if status == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	return status
}

// sharedBus is all of Kapivara in this process, for every test of the package.
type sharedBus struct {
	once sync.Once
	dir  string
	all  *app.AllInOne
	err  error
}

var testBus sharedBus

// bus gives the URL of NATS of the shared bus.
func bus(t *testing.T) string {
	t.Helper()
	testBus.once.Do(func() { testBus.err = testBus.start() })
	if testBus.err != nil {
		t.Fatalf("start the bus: %v", testBus.err)
	}
	return testBus.all.URL()
}

func (b *sharedBus) start() (err error) {
	if b.dir, err = os.MkdirTemp("", "kapivara-cli-test-"); err != nil {
		return err
	}
	all := app.NewAllInOne(app.Config{
		DataDir: b.dir, NATSListen: "127.0.0.1:-1", PGBin: os.Getenv("KAPIVARA_PG_BIN"), PGConns: 8,
		OpenRegistry: true, Limits: wire.DefaultLimits(), Version: "0.0.0",
	}, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := all.Start(ctx); err != nil {
		return err
	}
	b.all = all
	return nil
}

func (b *sharedBus) stop() error {
	if b.all == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(b.all.Stop(ctx), os.RemoveAll(b.dir))
}

// kapivara runs a command in this process, against the shared bus.
func kapivara(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), append([]string{"-s", bus(t)}, args...), streams{in: strings.NewReader(stdin), out: &out, err: &err})
	return status, out.String(), err.String()
}

func TestScripts(t *testing.T) {
	t.Parallel()
	url := bus(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("NATS_URL", url)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": exitStatus},
	})
}

// exitStatus runs a command and demands its exit status, as in: status 1 kapivara append.
func exitStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command [args]")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}
