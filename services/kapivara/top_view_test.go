package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kapivara/pkg/client"
)

func TestKeysOfATerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":             "[]",
		"q":            "[q]",
		"jk":           "[j k]",
		"\x1b[A\x1b[B": "[up down]",
		"\x1bOA\x1bOB": "[up down]",
		"\x1b":         "[esc]",
		"\x1b[C\x1b[D": "[]",
		"\r\n\t s\x7f": "[s]",
		"ä?":           "[?]",
		"\x1b[":        "[esc []",
	} {
		if got := fmt.Sprint(keysOf(text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// What each key does to what is seen, one after another.
func TestKeysOfTop(t *testing.T) {
	t.Parallel()
	first, second := topSamples()
	f := second.since(&first)
	var v topView
	for _, c := range []struct {
		press key
		says  string // in a line of the frame
	}{
		{keyDown, lineChosen + "audit"},
		{"j", lineChosen + "billing"},
		{"j", lineChosen + "mail"},
		{"j", lineChosen + "mail"}, // there is none below
		{keyUp, lineChosen + "billing"},
		{"k", lineChosen + "audit"},
		{"k", lineChosen + "audit"},
		{"s", "  by lag"},
		{"s", "  by seconds"},
		{"s", "  by parked"},
		{"s", "  by done/s"},
		{"p", "  by done/s  PAUSED"},
		{"?", "the subscriber above"},
		{"?", lineChosen + "audit"},
		{keyEsc, "billing     0       node-1"}, // all buckets again
		{keyUp, lineChosen + "mail"},           // the last by done/s
		{"x", lineChosen + "mail"},
	} {
		if v.press(c.press, &f) {
			t.Fatalf("%s ends it", c.press)
		}
		lines := topLines(f, &v, 0, "")
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, c.says) }) {
			t.Errorf("after %s: got\n%s\nwant %q", c.press, strings.Join(lines, "\n"), c.says)
		}
	}
	if !v.press("q", &f) {
		t.Error("q does not end it")
	}
}

// The buckets of the chosen subscriber are shown alone, all of them.
func TestTheBucketsOfTheChosenOne(t *testing.T) {
	t.Parallel()
	first, _ := topSamples()
	f := first.since(nil)
	lines := topLines(f, &topView{chosen: "billing"}, 0, "")
	if n := len(lines); n != 2+3+1+3 || !strings.HasPrefix(lines[7], "billing     0") || !strings.HasPrefix(lines[8], "billing     1") {
		t.Errorf("got\n%s", strings.Join(lines, "\n"))
	}
}

// However many there are, the chosen one is on the screen, and so are its buckets.
func TestTheChosenOneIsSeen(t *testing.T) {
	t.Parallel()
	var many topSample
	for i := range 100 {
		many.subscribers = append(many.subscribers, topState(fmt.Sprintf("s%02d", i), true, client.BucketState{Bucket: "7", Lag: 1}))
	}
	f := many.since(nil)
	for _, chosen := range []string{"s00", "s01", "s50", "s98", "s99"} {
		lines := topLines(f, &topView{chosen: chosen}, 24, "")
		seen := slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, lineChosen+chosen) })
		bucket := slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, chosen+"         7") })
		if !seen || !bucket || len(lines) > 23 {
			t.Errorf("%s on %d lines: seen %v, its bucket %v\n%s", chosen, len(lines), seen, bucket, strings.Join(lines, "\n"))
		}
	}
}

func TestLinesFitTheScreen(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"short": "short", "12345678": "12345678", "123456789": "1234567…", "äöüäöüäöü": "äöüäöüä…",
		lineChosen + "123456789" + linePlain: lineChosen + "1234567…" + linePlain,
	} {
		if got := fitted(line, 8); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
		if got := fitted(line, 0); got != line {
			t.Errorf("%q became %q where the columns are not known", line, got)
		}
	}
}

// A frame that is paused stands, and a key draws it again.
func TestKeysDrawAgain(t *testing.T) {
	t.Parallel()
	first, second := topSamples()
	keys, ticks := make(chan key), make(chan time.Time)
	var out strings.Builder
	top := &top{out: &out, screen: 40, keys: keys, look: (&fakeTop{replies: []any{first, second}}).look}
	ended := make(chan error)
	go func() { ended <- top.run(t.Context(), ticks) }()
	ticks <- time.Time{} // taken once the first frame is drawn
	for _, k := range []key{"p", "j"} {
		keys <- k
	}
	ticks <- time.Time{} // no look: there is no third sample
	keys <- "q"
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "PAUSED") || !strings.Contains(got, lineChosen+"audit") {
		t.Errorf("got %q", got)
	}
}
