package readme_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kapivara/tests/kit"
)

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)

func TestEveryLinkOfTheDocsLeadsToAFile(t *testing.T) {
	t.Parallel()
	root := kit.Root(t)
	files := []string{filepath.Join(root, "README.md"), filepath.Join(root, "CHANGELOG.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, found := range link.FindAllStringSubmatch(read(t, file), -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), found[1])); err != nil {
				t.Errorf("%s links to %s: %v", filepath.Base(file), found[1], err)
			}
		}
	}
}

// A decision record is one page: its number and title, then Context, Decision and Consequences.
func TestDecisionRecordsHaveTheirFormAndTheirIndex(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(kit.Root(t), "docs", "adr")
	index := read(t, filepath.Join(dir, "README.md"))
	records, err := filepath.Glob(filepath.Join(dir, "[0-9]*.md"))
	if err != nil || len(records) == 0 {
		t.Fatalf("records: got %d, %v", len(records), err)
	}
	for i, path := range records {
		name, text := filepath.Base(path), read(t, path)
		number := fmt.Sprintf("%03d", i+1)
		title, ok := strings.CutPrefix(strings.SplitN(text, "\n", 2)[0], "# "+number+": ")
		if !ok || !strings.HasPrefix(name, number+"-") {
			t.Errorf("%s: want number %s in its name and before its title", name, number)
		}
		at := 0
		for _, heading := range []string{"\n## Context\n", "\n## Decision\n", "\n## Consequences\n"} {
			next := strings.Index(text, heading)
			if next < at || next < 0 {
				t.Errorf("%s: %q is missing or out of order", name, strings.TrimSpace(heading))
			}
			at = next
		}
		if lines := strings.Count(text, "\n"); lines > 60 {
			t.Errorf("%s: %d lines are more than a page", name, lines)
		}
		if row := fmt.Sprintf("| [%s](%s) | %s |\n", number, name, title); !strings.Contains(index, row) {
			t.Errorf("README.md of the decisions lacks %s", row)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
