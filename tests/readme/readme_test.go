// Package readme_test runs every command that README.md shows, in its order and against a fresh bus, and compares what
// they say with what the README says they do.
package readme_test

import (
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"kapivara/tests/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

func TestReadme(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and runs the whole binary, the demo included; not in -short")
	}
	w := &walk{shell: newShell(t)}
	w.nats = w.shell.nats(t)
	blocks := readBlocks(t)
	for _, b := range blocks {
		if b.language == "console" {
			w.block(t, b)
		}
	}
	for _, r := range w.background {
		r.check(t)
	}
	if w.up == nil {
		t.Fatal("the README does not show `kapivara up`")
	}
	w.snippets(t, blocks)
	if !w.nats {
		t.Run("nats", func(t *testing.T) { t.Skip("the lines of the nats command were not run, see the log") })
	}
	if err := w.up.interrupt(); err != nil {
		t.Errorf("kapivara up, after Ctrl-C: %v", err)
	}
}

// walk is where the reader of the README stands.
type walk struct {
	shell      *shell
	up         *running
	url        string
	background []*worker
	nats       bool // the nats command is there
}

// worker is a command that goes on in a terminal of its own until it has had what it waits for.
type worker struct {
	*running
	step
}

func (w *worker) check(t *testing.T) {
	t.Helper()
	if err := w.ends(); err != nil {
		t.Errorf("$ %s\n%v", w.command, err)
		return
	}
	if !contains(w.shown, w.output()) {
		t.Errorf("$ %s\nthe README shows:\n%s\nit says:\n%s", w.command, strings.Join(w.shown, "\n"), w.output())
	}
}

func (w *walk) block(t *testing.T, b block) {
	for _, s := range b.steps() {
		switch {
		case strings.HasPrefix(s.command, "go test"):
			w.packages(t, s.shown)
		case s.command == "kapivara up":
			w.startUp(t, s)
		case b.how == "background" && w.available(s.command):
			w.background = append(w.background, &worker{w.shell.start(t, s.command), s})
		case b.how != "background" && w.available(s.command):
			w.step(t, s)
		}
	}
}

// available tells whether the command is there; all but nats is.
func (w *walk) available(command string) bool {
	return w.nats || !strings.HasPrefix(command, "nats ")
}

// step runs a command and compares. What only looks is asked again until it sees what has just been done elsewhere.
func (w *walk) step(t *testing.T, s step) {
	t.Helper()
	command := strings.Replace(s.command, "go run ./services/kapivara", "kapivara", 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		out, err := w.shell.run(ctx, command)
		switch {
		case err == nil && matches(s.shown, out):
			return
		case err == nil && ctx.Err() == nil && strings.HasPrefix(command, "kapivara explain"):
			continue
		}
		t.Fatalf("$ %s\nthe README shows:\n%s\nit says (%v):\n%s", s.command, strings.Join(s.shown, "\n"), err, out)
	}
}

var ready = regexp.MustCompile(`kapivara ready (nats://\S+)`)

// startUp starts the bus that all later commands use, by $NATS_URL.
func (w *walk) startUp(t *testing.T, s step) {
	t.Helper()
	w.up = w.shell.start(t, s.command)
	kit.Eventually(t, patience, func() error {
		found := ready.FindStringSubmatch(w.up.output())
		if found == nil {
			return errorf("not ready, it says:\n%s", w.up.output())
		}
		w.url = found[1]
		return nil
	})
	if !contains(s.shown, w.up.output()) {
		t.Errorf("$ %s\nthe README shows:\n%s\nit says:\n%s", s.command, strings.Join(s.shown, "\n"), w.up.output())
	}
	w.shell.env = append(w.shell.env, "NATS_URL="+w.url)
}

// packages holds the lines shown for `go test ./...` against the packages that are there: to run it here would not end.
func (w *walk) packages(t *testing.T, shown []string) {
	t.Helper()
	for _, line := range shown {
		if line == leftOut {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != "ok" {
			t.Errorf("go test ./... says no line like %q", line)
			continue
		}
		list := exec.CommandContext(t.Context(), "go", "list", "-f", "{{len .TestGoFiles}}{{len .XTestGoFiles}}", fields[1])
		list.Dir = kit.Root(t)
		if out, err := list.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) == "00" {
			t.Errorf("the README shows %q, but there are no such tests: %v %s", line, err, out)
		}
	}
}
