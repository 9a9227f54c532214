package readme_test

import (
	"path/filepath"
	"strings"
	"testing"

	"kapivara/tests/kit"
)

// block is a fenced block of the README.
type block struct {
	language string // the first word behind the fence
	how      string // the rest
	lines    []string
	at       int // line number of the fence
}

// step is a command of a console block, with the output that the README shows for it.
type step struct {
	command string
	shown   []string
}

func readBlocks(t *testing.T) []block {
	t.Helper()
	text := read(t, filepath.Join(kit.Root(t), "README.md"))
	var blocks []block
	inside := false
	for i, line := range strings.Split(text, "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && inside:
			inside = false
		case isFence:
			inside = true
			language, how, _ := strings.Cut(fence, " ")
			blocks = append(blocks, block{language: language, how: how, at: i + 1})
		case inside:
			last := &blocks[len(blocks)-1]
			last.lines = append(last.lines, line)
		}
	}
	return blocks
}

// steps are the commands of a console block: the lines that begin with a dollar sign.
func (b *block) steps() []step {
	var steps []step
	for _, line := range b.lines {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			steps = append(steps, step{command: command})
		} else if len(steps) > 0 {
			last := &steps[len(steps)-1]
			last.shown = append(last.shown, line)
		}
	}
	return steps
}

// only gives the one block of a language.
func only(t *testing.T, blocks []block, language string) string {
	t.Helper()
	var found []string
	for _, b := range blocks {
		if b.language == language {
			found = append(found, strings.Join(b.lines, "\n"))
		}
	}
	if len(found) != 1 {
		t.Fatalf("blocks of %s: got %d, want 1", language, len(found))
	}
	return found[0]
}
