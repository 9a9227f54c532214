package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

// background runs a command until stop is called; lines gives what it prints, line by line.
type background struct {
	lines  chan string
	cancel context.CancelFunc
	ended  chan int
}

func inBackground(t *testing.T, args ...string) *background {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	out, in := io.Pipe()
	b := &background{lines: make(chan string, 1000), cancel: cancel, ended: make(chan int, 1)}
	url := bus(t)
	go func() {
		b.ended <- run(ctx, append([]string{"-s", url}, args...), streams{in: strings.NewReader(""), out: in, err: io.Discard})
		_ = in.Close()
	}()
	go func() {
		defer close(b.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			b.lines <- scanner.Text()
		}
	}()
	t.Cleanup(cancel)
	return b
}

func (b *background) line(t *testing.T) string {
	t.Helper()
	select {
	case line, open := <-b.lines:
		if !open {
			t.Fatal("the command ended")
		}
		return line
	case <-time.After(30 * time.Second):
		t.Fatal("no line within 30 s")
		return ""
	}
}

func (b *background) stop(t *testing.T) int {
	t.Helper()
	b.cancel()
	select {
	case status := <-b.ended:
		return status
	case <-time.After(60 * time.Second):
		t.Fatal("the command did not end within 60 s")
		return -1
	}
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	status, out, err := kapivara(t, "", args...)
	if status != 0 {
		t.Fatalf("kapivara %s: status %d, %s", strings.Join(args, " "), status, err)
	}
	return out
}

func TestAFollowedLogShowsWhatIsStoredFromThenOn(t *testing.T) {
	t.Parallel()
	mustRun(t, "append", "tests/follow/x/1", "follow.before")
	b := inBackground(t, "log", "-f", "--streams", "tests/follow/*", "-n", "1")
	if got := b.line(t); !strings.Contains(got, "follow.before") {
		t.Errorf("first line %q", got)
	}
	mustRun(t, "append", "tests/other/x/1", "follow.other")
	mustRun(t, "append", "tests/follow/x/1", "follow.after", "--final")
	if got := b.line(t); !strings.Contains(got, "tests/follow/x/1  2 end  follow.after") {
		t.Errorf("next line %q", got)
	}
	if status := b.stop(t); status != statusDone {
		t.Errorf("status %d after Ctrl-C", status)
	}
}

func TestAWorkerEndsCleanlyAtCtrlC(t *testing.T) {
	t.Parallel()
	mustRun(t, "subscriber", "set", "ctrlc", "--streams", "tests/ctrlc/*")
	b := inBackground(t, "subscribe", "ctrlc", "--exec", "echo \"$KAPIVARA_STREAM\"; cat > /dev/null")
	for _, id := range []string{"1", "2", "3"} {
		mustRun(t, "append", "tests/ctrlc/x/"+id, "ctrlc.done", "--final")
		if got := b.line(t); got != "tests/ctrlc/x/"+id {
			t.Errorf("delivered %q", got)
		}
	}
	if status := b.stop(t); status != statusDone {
		t.Errorf("status %d after Ctrl-C", status)
	}
	if out := mustRun(t, "explain", "tests/ctrlc/x/3", "ctrlc"); !strings.Contains(out, "committed (committed)") {
		t.Errorf("the last delivery: %s", out)
	}
}
