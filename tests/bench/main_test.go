package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"kapivara/tests/bench/goals"
	"kapivara/tests/bench/harness"
)

func TestOnlyChoosesCellsInTheTablesOrder(t *testing.T) {
	t.Parallel()
	all := []harness.Cell{{Name: "floor-copy"}, {Name: "append-1"}, {Name: "append-10"}}
	for only, want := range map[string]string{
		"":                    "floor-copy append-1 append-10",
		"append-1":            "append-1",
		"append-10,floor-*":   "floor-copy append-10",
		"append-*,append-10*": "append-1 append-10",
	} {
		chosen, err := choose(all, only)
		var names []string
		for _, c := range chosen {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("-only %q: got %q, %v, want %q", only, got, err, want)
		}
	}
	for _, only := range []string{"append", "append-1,nothing", "[", ","} {
		if _, err := choose(all, only); err == nil {
			t.Errorf("-only %q: got no error", only)
		}
	}
}

func TestWrongArgumentsEndWithStatus2(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-rounds", "0"}, {"-for", "0s"}, {"-only", "nothing"}, {"-nonsense"}, {"more"}} {
		var out, errs bytes.Buffer
		if got := run(args, &out, &errs); got != 2 || errs.Len() == 0 {
			t.Errorf("%v: got status %d and %q, want 2 and a reason", args, got, errs.String())
		}
	}
}

func TestCellsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	var names []string
	for _, c := range allCells() {
		if slices.Contains(names, c.Name) || c.Name == "" || c.About == "" || c.Start == nil {
			t.Errorf("cell %q: its name is another's, or it lacks something", c.Name)
		}
		names = append(names, c.Name)
	}
	var out, errs bytes.Buffer
	if got := run([]string{"-list"}, &out, &errs); got != 0 {
		t.Errorf("-list: got status %d, want 0", got)
	}
	for _, name := range names {
		if !strings.Contains(out.String(), name+" ") {
			t.Errorf("-list does not show %s", name)
		}
	}
}

// A goal whose cell is not in the bench any more, or is called otherwise, would never be measured, and nobody would miss it.
func TestEachCellThatAGoalNamesExists(t *testing.T) {
	t.Parallel()
	roles := []string{harness.Postgres, harness.Writer, harness.Reader, harness.Dispatcher}
	report := &harness.Report{Rounds: 1}
	for _, c := range allCells() {
		round := harness.Round{Operations: 1, Seconds: 1, PerSecond: 1, P50: 1, P99: 1, CPU: map[string]float64{}, Memory: map[string]int64{}}
		for _, role := range roles {
			round.CPU[role], round.Memory[role] = 1, 1
		}
		report.Cells = append(report.Cells, &harness.Row{Name: c.Name, Rounds: []harness.Round{round}})
	}
	for _, g := range goals.Of(report) {
		if g.Verdict == goals.NotMeasured {
			t.Errorf("%s: it needs a cell or a figure that there is not", g.Name)
		}
	}
}
