package readme_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kapivara/tests/kit"
)

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// snippets runs the README's lines of each language as a worker of billing, and gives each a stream to work on.
func (w *walk) snippets(t *testing.T, blocks []block) {
	t.Run("JavaScript", func(t *testing.T) {
		lines := only(t, blocks, "js")
		before := `const handle = async (d) => { console.log("handled", d.stream) }` + "\n"
		w.works(t, "js", w.javaScript(t, before+w.here(lines)))
	})
	t.Run("Python", func(t *testing.T) {
		lines := strings.ReplaceAll(only(t, blocks, "python"), "\n", "\n    ")
		program := "import asyncio, json, nats\nasync def handle(d):\n    print('handled', d['stream'], flush=True)\n    return True\n" +
			"async def main():\n    " + w.here(lines) + "\nasyncio.run(main())\n"
		w.works(t, "py", w.python(t, program))
	})
	t.Run("Go", func(t *testing.T) {
		w.works(t, "go", w.goLines(t, w.here(only(t, blocks, "go"))))
	})
}

// here lets the lines find this test's bus.
func (w *walk) here(lines string) string {
	lines = strings.ReplaceAll(lines, "nats://127.0.0.1:4222", w.url)
	return strings.ReplaceAll(lines, "127.0.0.1:4222", strings.TrimPrefix(w.url, "nats://"))
}

// works lets a program work off a stream, and sees it committed.
func (w *walk) works(t *testing.T, name, command string) {
	t.Helper()
	stream := "shop/web/order/by-" + name
	program := w.shell.start(t, command)
	out, err := w.shell.run(t.Context(), "kapivara append --publisher shop "+stream+" order.paid --final")
	if err != nil || !strings.Contains(out, "complete") {
		t.Fatalf("append: got %q, %v; want it stored and complete", out, err)
	}
	kit.Eventually(t, patience, func() error {
		out, err := w.shell.run(t.Context(), "kapivara explain "+stream+" billing")
		if err != nil || !strings.Contains(out, "billing: committed") || !strings.Contains(program.output(), "handled "+stream) {
			return errorf("not committed, the program says:\n%s\nexplain says (%w):\n%s", program.output(), err, out)
		}
		return nil
	})
	_ = program.cmd.Process.Kill() // a worker goes on for ever; its end is waited for with the test's
}

// javaScript gives the command that runs the program, with the package that it imports.
func (w *walk) javaScript(t *testing.T, program string) string {
	t.Helper()
	dir := filepath.Join(w.shell.dir, "js")
	file := write(t, filepath.Join(dir, "worker.mjs"), program)
	if out, err := exec.CommandContext(t.Context(), "node", "--check", file).CombinedOutput(); err != nil {
		if _, missing := exec.LookPath("node"); missing != nil {
			t.Skip("needs node")
		}
		t.Fatalf("node --check: %v\n%s", err, out)
	}
	if err := os.Symlink(filepath.Join(kit.NodeFolder(t), "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return "node " + file
}

// python gives the command that runs the program.
func (w *walk) python(t *testing.T, program string) string {
	t.Helper()
	file := write(t, filepath.Join(w.shell.dir, "py", "worker.py"), program)
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3")
	}
	compiled := exec.CommandContext(t.Context(), "python3", "-c", "import sys; compile(open(sys.argv[1]).read(), 'worker.py', 'exec')", file)
	if out, err := compiled.CombinedOutput(); err != nil {
		t.Fatalf("compile: %v\n%s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), "python3", "-c", "import nats").CombinedOutput(); err != nil {
		t.Skipf("only its syntax was checked; nats-py is not there: %s", out)
	}
	return "python3 " + file
}

// goLines builds the lines into a program of this module, and gives the command that runs it.
func (w *walk) goLines(t *testing.T, lines string) string {
	t.Helper()
	program := `package main

import (
	"context"
	"fmt"

	"kapivara/pkg/client"
)

func handle(e client.Event) {
	fmt.Println("handled", e.Stream)
}

func main() {
	ctx := context.Background()
	` + strings.ReplaceAll(lines, "\n", "\n\t") + `
	if err != nil {
		panic(err)
	}
	defer sub.Stop(ctx)
	fmt.Println(result.Complete)
	select {}
}
`
	file := write(t, filepath.Join(w.shell.dir, "go", "main.go"), program)
	virtual := filepath.Join(kit.Root(t), "tests", "readme", "lines", "main.go")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {virtual: file}})
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(w.shell.dir, "bin", "readme-lines")
	build(t, "-overlay", write(t, filepath.Join(w.shell.dir, "overlay.json"), string(overlay)), "-o", binary, "./tests/readme/lines")
	return binary
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
