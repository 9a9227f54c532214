package e2e_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"kapivara/tests/kit"
)

// A subscriber in Node.js, in a few lines of plain NATS, does push, nak, confirmed commit and pull.
func TestASubscriberInNodeJSPushesAndPulls(t *testing.T) {
	t.Parallel()
	dir := kit.NodeFolder(t)
	script, err := os.ReadFile(filepath.Join("testdata", "subscriber.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(script, []byte("\n")); lines >= 30 {
		t.Errorf("the subscriber has %d lines: it shows how few are needed", lines)
	}
	file := filepath.Join(dir, "subscriber.mjs")
	if err := os.WriteFile(file, script, 0o600); err != nil {
		t.Fatal(err)
	}
	url, _ := startBus(t)
	c := dial(t, url)
	c.set("node", `{"buckets": 2, "streams": ["a/*"]}`)
	program := exec.CommandContext(t.Context(), "node", file, url)
	var stderr bytes.Buffer
	program.Stderr, program.WaitDelay = &stderr, 5*time.Second
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = program.Process.Kill() // it has ended by itself, or the test has failed
		_ = program.Wait()
		if t.Failed() {
			t.Logf("the subscriber says:\n%s", &stderr)
		}
	}()
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	expect := func(want string) {
		t.Helper()
		select {
		case line, more := <-lines:
			if line != want || !more {
				t.Fatalf("got %q, want %q", line, want)
			}
		case <-time.After(2 * patience):
			t.Fatalf("got nothing, want %q", want)
		}
	}
	expect("listening")
	for n, how := range []string{"pushed", "pulled"} {
		stream := fmt.Sprintf("a/b/c/%d", n)
		c.finished(stream)
		expect(how + " " + stream + " 1 1")
		if how == "pulled" {
			expect("hidden")
		}
		expect(how + " " + stream + " 2 1")
		expect("committed")
		if how == "pushed" {
			expect("pulling")
		}
		var explained struct {
			Subscribers []struct {
				State   string
				Attempt int
			}
		}
		c.ask("kapivara.v1.read.explain.a", fmt.Sprintf(`{"stream": %q, "subscriber": "node"}`, stream), &explained)
		if s := explained.Subscribers; len(s) != 1 || s[0].State != "committed" || s[0].Attempt != 2 {
			t.Errorf("%s: got %+v, want it committed at attempt 2", stream, s)
		}
	}
	if line, more := <-lines; more {
		t.Errorf("got %q, want its end", line)
	}
}
