//go:build unix

package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"kapivara/pkg/embedded"
	"kapivara/tests/kit"
)

// childDir names, in the environment, the data folder that a copy of this test binary runs a server in.
const childDir = "KAPIVARA_TEST_CHILD_DIR"

// runChild starts a server, says so, and then waits to be killed.
func runChild(dir string) {
	pg, err := embedded.StartPostgres(context.Background(), embedded.PostgresConfig{DataDir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	<-pg.Done()
}

// family is a child that runs a server, and the server's processes.
type family struct {
	child            *osexec.Cmd
	keeper, postgres int
}

func startFamily(t *testing.T, dir string) family {
	t.Helper()
	child := osexec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("child: %q, %v", line, err)
	}
	server := serverPid(t, dir)
	ppid, err := osexec.Command("ps", "-o", "ppid=", "-p", strconv.Itoa(server)).Output()
	if err != nil {
		t.Fatalf("parent of the server: %v", err)
	}
	keeper, err := strconv.Atoi(strings.TrimSpace(string(ppid)))
	if err != nil {
		t.Fatal(err)
	}
	return family{child: child, keeper: keeper, postgres: server}
}

func serverPid(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "pgdata", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func kill(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Errorf("kill %d: %v", pid, err)
		}
	}
}

func gone(pid int) func() error {
	return func() error {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			return nil
		}
		return fmt.Errorf("process %d is still there", pid)
	}
}

func TestPostgresDiesWithItsProcess(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	for _, death := range []struct {
		name    string
		victims func(family) []int
	}{
		{"process", func(f family) []int { return []int{f.child.Process.Pid} }},
		{"keeper", func(f family) []int { return []int{f.keeper} }},
		{"keeper and process", func(f family) []int { return []int{f.keeper, f.child.Process.Pid} }},
		{"server", func(f family) []int { return []int{f.postgres} }},
		{"all", func(f family) []int { return []int{f.child.Process.Pid, f.keeper, f.postgres} }},
	} {
		t.Log("kill -9 of the", death.name)
		f := startFamily(t, dir)
		kill(t, death.victims(f)...)
		kit.Eventually(t, patience, gone(f.postgres))
		kit.Eventually(t, patience, gone(f.keeper))
		_ = f.child.Wait() // it ends too, because its server has
	}
	// The folder serves again.
	pg := startPostgres(t, embedded.PostgresConfig{DataDir: dir})
	if got := answer(t, pg, "select 'well'"); got != "well" {
		t.Errorf("after the deaths: got %q", got)
	}
}

func TestPostgresTellsWhenItEndsByItself(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	pg := startPostgres(t, embedded.PostgresConfig{DataDir: dir})
	if err := pg.Err(); err != nil {
		t.Errorf("Err while it runs: got %v, want nil", err)
	}
	kill(t, serverPid(t, dir))
	select {
	case <-pg.Done():
	case <-time.After(patience):
		t.Fatal("Done is not closed")
	}
	if pg.Err() == nil {
		t.Error("Err: got nil, want the reason")
	}
	stopPostgres(t, pg)
	if pg.Err() == nil {
		t.Error("Err after Stop: got nil, want the reason still")
	}
}

func TestPostgresStopsAtOnceWhenTheContextHasEnded(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	pg := startPostgres(t, embedded.PostgresConfig{DataDir: dir})
	exec(t, pg, "create table kept as select 'here' as word")
	server := serverPid(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// Whichever is first, the end of ctx or the server's: it is gone when Stop returns.
	_ = pg.Stop(ctx)
	if err := gone(server)(); err != nil {
		t.Error(err)
	}
	again := startPostgres(t, embedded.PostgresConfig{DataDir: dir})
	if got := answer(t, again, "select word from kept"); got != "here" {
		t.Errorf("after the next start: got %q, want %q", got, "here")
	}
}
