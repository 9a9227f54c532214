package readme_test

import (
	"regexp"
	"strings"
	"testing"
)

// leftOut stands in the README for what it does not show: within a line for any text, alone on a line for any lines.
const leftOut = "…"

// volatile is what differs from run to run.
var volatile = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "<uuid>"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?`), "<time>"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d\b`), "<time>"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "<address>"},
	{regexp.MustCompile(`\b\d+\.\d+ ?(µs|ms|s)\b`), "<duration>"},
	{regexp.MustCompile(`"token":"[^"]*"`), `"token":"<token>"`},
}

func steady(text string) string {
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.name)
	}
	return text
}

// matches tells whether the output is what is shown, but for what is volatile, left out, or white space at the end.
func matches(shown []string, output string) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for _, line := range strings.Split(trim(strings.Join(shown, "\n")), "\n") {
		if line == leftOut {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		for i, part := range strings.Split(steady(line), leftOut) {
			if i > 0 {
				pattern.WriteString(`.*`)
			}
			pattern.WriteString(regexp.QuoteMeta(part))
		}
		pattern.WriteString(`\n`)
	}
	pattern.WriteString(`\z`)
	return regexp.MustCompile(pattern.String()).MatchString(steady(trim(output)) + "\n")
}

// contains tells whether each shown line stands in the output, in any order: headers come as they please.
func contains(shown []string, output string) bool {
	for _, line := range shown {
		if !matches([]string{leftOut, line, leftOut}, output) {
			return false
		}
	}
	return true
}

func trim(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func TestMatching(t *testing.T) {
	t.Parallel()
	shown := []string{"at 127.0.0.1:4222 after 1.5 s…", "…", "last 3"}
	for output, want := range map[string]bool{
		"at 127.0.0.1:9 after 22.75ms, exactly\nlast 3\n":       true,
		"at 127.0.0.1:9 after 2.5 s, ok\nmore\nmore\nlast 3 \n": true,
		"at 127.0.0.1:9 after 2.5 s, ok\nlast 4\n":              false,
		"at 127.0.0.1:9 after 2.5 s, ok\nlast 3\nmore\n":        false,
		"at 127.0.0.1:9 after 2.5 s, ok\n":                      false,
	} {
		if got := matches(shown, output); got != want {
			t.Errorf("%q: got %v, want %v", output, got, want)
		}
	}
	if !contains([]string{"c", "a"}, "a\nb\nc\nd\n") || contains([]string{"c", "e"}, "a\nb\nc\n") {
		t.Error("contains: every line must be there")
	}
}
