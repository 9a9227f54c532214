// Package backlog takes measurements of the whole: figures for people, no test. Each begins with Benchmark, so that a run of
// the tests skips it.
package backlog

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"kapivara/tests/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

// program builds a command of the repository and gives its path.
func program(b *testing.B, name string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	cmd := exec.Command("go", "build", "-o", path, "./services/"+name)
	cmd.Dir = filepath.Dir(filepath.Dir(kit.Root(b))) // of the product's module
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v: %s", name, err, out)
	}
	return path
}

// spawn starts a program that ends with the benchmark, and waits for the first line on its stdout.
func spawn(b *testing.B, path string, env ...string) *os.Process {
	b.Helper()
	cmd := exec.Command(path)
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	if _, err := out.Read(make([]byte, 256)); err != nil {
		b.Fatalf("%s said nothing: %v", path, err)
	}
	return cmd.Process
}
