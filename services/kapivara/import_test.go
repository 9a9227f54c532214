package main

import (
	"encoding/json"
	"errors"
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

// arrivalTruth is what an arrival file must come to.
type arrivalTruth struct {
	Counts struct {
		New       int64 `json:"new"`
		Duplicate int64 `json:"duplicate"`
		Conflict  int64 `json:"conflict"`
	} `json:"counts"`
	Deliverable int `json:"streams_deliverable"`
}

func expected(t *testing.T, file string) arrivalTruth {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var truth arrivalTruth
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	return truth
}

func TestAnImportThatWasStoppedGoesOnAndStoresNothingTwice(t *testing.T) {
	t.Parallel()
	shared := kit.Shared(t)
	file := filepath.Join(shared, "data", "arrivals", "receipt.shuffle.jsonl.gz")
	if _, err := os.Stat(file); err != nil {
		t.Skip(err)
	}
	args := []string{"import", file, "--into", "tests/receipt/case", "--json", "--publisher", "receipt"}
	b := inBackground(t, args...)
	kit.Eventually(t, time.Minute, func() error {
		status, _, err := kapivara(t, "", "read", "tests/receipt/case/case-4504")
		if status != 0 {
			return errors.New(err)
		}
		return nil
	})
	b.cancel()
	first := summaryOf(t, b.line(t))
	if status := b.stop(t); status != statusInterrupted || first.Stored == 0 || first.Stored >= 8548 {
		t.Fatalf("stopped with status %d after %d events; it was to be in the middle", status, first.Stored)
	}
	status, out, said := kapivara(t, "", args...)
	if status != statusRefused && status != statusDone {
		t.Fatalf("again: status %d, %s", status, said)
	}
	second := summaryOf(t, out)
	want := expected(t, strings.TrimSuffix(file, ".jsonl.gz")+".expect.json")
	if first.Stored+second.Stored > want.Counts.New || second.Stored+second.Repeats != want.Counts.New+want.Counts.Duplicate || second.Refused != want.Counts.Conflict {
		t.Errorf("first %+v\nsecond %+v\nwant %+v", first, second, want)
	}
	_, out, _ = kapivara(t, "", args...)
	if third := summaryOf(t, out); third.Stored != 0 || third.Complete != want.Deliverable {
		t.Errorf("a third time: %+v, want nothing stored and %d complete", third, want.Deliverable)
	}
}
