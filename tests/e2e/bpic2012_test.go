package e2e_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kapivara/tests/kit"
)

// realLog is a real event log with the truth about it.
type realLog struct {
	name, file, truth string
	prefix            string // of its streams
	publisher         string
	events, streams   int
}

// theLog is bpic2012, or the smaller receipt log with -short.
func theLog(t *testing.T) realLog {
	t.Helper()
	if testing.Short() {
		return openLog(t, "receipt")
	}
	return openLog(t, "bpic2012")
}

func openLog(t *testing.T, name string) realLog {
	t.Helper()
	log := realLog{name: name, prefix: "e2e/" + name + "/case", publisher: "import"}
	data := filepath.Join(kit.Shared(t), "data")
	log.file, log.truth = filepath.Join(data, log.name+".jsonl.gz"), filepath.Join(data, "truth", log.name+".json")
	text, err := os.ReadFile(log.truth)
	if err != nil {
		t.Skipf("needs the truth about the log: %v", err)
	}
	var truth struct{ Events, Streams int }
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatalf("%s: %v", log.truth, err)
	}
	log.events, log.streams = truth.Events, truth.Streams
	return log
}

// importReport is what kapivara import --json prints.
type importReport struct {
	Events, Stored, Repeats, Refused, Unreadable, Streams, Complete int
	Rate                                                            float64 `json:"events_per_second"`
}

func (l realLog) importArgs(url string) []string {
	return []string{"import", "-s", url, "--into", l.prefix, "--json", l.file}
}

func (l realLog) importAll(t *testing.T, url string) (r importReport) {
	t.Helper()
	if err := json.Unmarshal([]byte(command(t, 4*time.Minute, l.importArgs(url)...)), &r); err != nil {
		t.Fatalf("summary of the import: %v", err)
	}
	return r
}

// A whole log, by the command alone: up, subscriber set, import. What the nodes receive is the log, as another program
// that reads the original knows it.
func TestARealLogIsImportedDeliveredAndVerified(t *testing.T) {
	t.Parallel()
	log := theLog(t)
	python := pythonOrSkip(t)
	dir := t.TempDir()
	bus, url := up(t, dir, -1)
	command(t, time.Minute, "subscriber", "set", "verify", "-s", url, "--buckets", "7", "--max-in-flight", "8")
	got := newSeen()
	for range 3 {
		join(t, url, "verify", got, steady)
	}
	started := time.Now()
	report := log.importAll(t, url)
	if report.Stored != log.events || report.Repeats+report.Refused+report.Unreadable != 0 || report.Complete != log.streams {
		t.Errorf("summary of the import: got %+v, want %d stored, %d complete", report, log.events, log.streams)
	}
	c := dial(t, url)
	awaitDrained(t, c, "verify", log.streams)
	t.Logf("%d events imported (%.0f/s) and delivered in %v, %d attempts", log.events, report.Rate, time.Since(started), got.attempts)
	verify(t, python, log, got)
	bus.down(t)
	awaitNothingLeft(t, dir)
}

func pythonOrSkip(t *testing.T) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skipf("needs python3 for the verifier: %v", err)
	}
	return python
}

// verify writes what was delivered as the lines that the verifier reads, and runs it.
func verify(t *testing.T, python string, log realLog, got *seen) {
	t.Helper()
	lines := filepath.Join(t.TempDir(), "delivered.jsonl")
	if err := writeLines(lines, log, got); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, filepath.Join(kit.Shared(t), "tools", "verify.py"), lines, log.truth).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), log.name+" OK") {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

func writeLines(path string, log realLog, got *seen) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriter(file)
	lines := json.NewEncoder(out)
	got.mu.Lock()
	defer got.mu.Unlock()
	if len(got.faults) > 0 {
		return errors.Join(got.faults...)
	}
	for _, d := range got.firsts {
		for _, raw := range d.Events {
			var e cloudEvent
			if err := json.Unmarshal(raw, &e); err != nil {
				return err
			}
			err := lines.Encode(map[string]any{
				"id": e.ID, "stream": strings.TrimPrefix(e.Stream, log.prefix+"/"), "type": e.Type,
				"occurred_on": e.Time, "position": e.Position, "final": e.Final,
			})
			if err != nil {
				return err
			}
		}
	}
	return out.Flush()
}
