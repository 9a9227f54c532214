package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kapivara/tests/kit"
)

func summaryOf(t *testing.T, line string) importSummary {
	t.Helper()
	var s importSummary
	if err := json.Unmarshal([]byte(line), &s); err != nil {
		t.Fatalf("summary %q: %v", line, err)
	}
	return s
}

const (
	stopCases  = 150
	stopEvents = 6 // of each case
)

// badLog writes a log whose events come position by position over all cases, the last position first; every tenth case
// has a repeat, every fiftieth a rival of an event.
func badLog(t *testing.T) (file string, repeats, rivals int64) {
	t.Helper()
	var text strings.Builder
	for position := stopEvents; position >= 1; position-- {
		for c := range stopCases {
			line := fmt.Sprintf(`{"id":"stop-%%s%d-%d","stream":"c%d","type":"stop.x","position":%d,"final":%v,"data":{"n":%d}}`+"\n",
				c, position, c, position, position == stopEvents, position)
			fmt.Fprintf(&text, line, "")
			if position == 2 && c%10 == 0 {
				fmt.Fprintf(&text, line, "")
				repeats++
			}
			if position == 3 && c%50 == 0 {
				fmt.Fprintf(&text, line, "rival-")
				rivals++
			}
		}
	}
	file = filepath.Join(t.TempDir(), "bad.jsonl")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, repeats, rivals
}

func TestAnImportThatWasStoppedGoesOnAndStoresNothingTwice(t *testing.T) {
	t.Parallel()
	file, repeats, rivals := badLog(t)
	args := []string{"import", file, "--into", "tests/stopped/case", "--json", "--publisher", "stopped", "--in-flight", "2"}
	b := inBackground(t, args...)
	kit.Eventually(t, time.Minute, func() error {
		status, _, err := kapivara(t, "", "read", "tests/stopped/case/c7")
		if status != 0 {
			return errors.New(err)
		}
		return nil
	})
	b.cancel()
	first := summaryOf(t, b.line(t))
	all := int64(stopCases * stopEvents)
	if status := b.stop(t); status != statusInterrupted || first.Stored == 0 || first.Stored >= all {
		t.Fatalf("stopped with status %d after %d of %d events; it was to be in the middle", status, first.Stored, all)
	}
	args[len(args)-1] = "64"
	status, out, said := kapivara(t, "", args...)
	second := summaryOf(t, out)
	// What was on its way when the import was stopped may be stored though nobody counted it.
	if status != statusRefused || first.Stored+second.Stored > all || second.Stored+second.Repeats != all+repeats || second.Refused != rivals || second.Complete != stopCases {
		t.Errorf("status %d, %s\nfirst %+v\nsecond %+v\nwant %d events, %d repeats, %d refused", status, said, first, second, all, repeats, rivals)
	}
	_, out, _ = kapivara(t, "", args...)
	if third := summaryOf(t, out); third.Stored != 0 || third.Refused != rivals {
		t.Errorf("a third time: %+v", third)
	}
}
