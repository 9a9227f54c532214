package goals

import (
	"strings"
	"testing"

	"kapivara/tests/bench/cells"
	"kapivara/tests/bench/floors"
	"kapivara/tests/bench/harness"
)

// rounds is a row of rates.
func rounds(name string, rates ...float64) *harness.Row {
	row := &harness.Row{Name: name}
	for _, rate := range rates {
		row.Rounds = append(row.Rounds, harness.Round{PerSecond: rate})
	}
	return row
}

// A round in which the machine was slow counts as any other: both sides were.
func TestARatioIsTakenWithinEachRound(t *testing.T) {
	t.Parallel()
	report := &harness.Report{Rounds: 3, Cells: []*harness.Row{
		rounds(cells.Append1, 45, 9, 41), rounds(floors.Copy, 100, 20, 100),
	}}
	got := All()[0].reached(report)
	if want := (harness.Spread{Median: 0.45, Low: 0.41, High: 0.45}); got.Figure != want || got.Verdict != Met {
		t.Errorf("got %+v, %s; want %+v, %s", got.Figure, got.Verdict, want, Met)
	}
}

func TestAVerdictFollowsTheMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rate float64
		want Verdict
	}{{0.39, Missed}, {0.40, Met}, {0.499, Met}, {0.50, Aimed}} {
		report := &harness.Report{Rounds: 1, Cells: []*harness.Row{rounds(cells.Append1, c.rate), rounds(floors.Copy, 1)}}
		if got := All()[0].reached(report).Verdict; got != c.want {
			t.Errorf("%v ÷ 1: got %s, want %s", c.rate, got, c.want)
		}
	}
	most := Goal{Must: 1.6, Aim: 1.3, AtMost: true}
	for _, c := range []struct {
		figure float64
		want   Verdict
	}{{1.7, Missed}, {1.6, Met}, {1.3, Aimed}} {
		most.value = func(view) float64 { return c.figure }
		if got := most.reached(&harness.Report{Rounds: 1}).Verdict; got != c.want {
			t.Errorf("%v, at most: got %s, want %s", c.figure, got, c.want)
		}
	}
}

func TestAGoalWithoutItsCellsIsNotMeasured(t *testing.T) {
	t.Parallel()
	report := &harness.Report{Rounds: 2, Cells: []*harness.Row{rounds(cells.Append1, 1, 1), rounds(floors.Copy)}}
	for _, r := range Of(report) {
		if r.Verdict != NotMeasured {
			t.Errorf("%s: got %s, want %s", r.Name, r.Verdict, NotMeasured)
		}
	}
	var text strings.Builder
	Write(&text, Of(report))
	if !strings.Contains(text.String(), "goals were not measured") {
		t.Errorf("the table does not say that goals were not measured:\n%s", text.String())
	}
}

func TestEveryAimIsBeyondItsMust(t *testing.T) {
	t.Parallel()
	for _, g := range All() {
		if g.AtMost && g.Aim >= g.Must || !g.AtMost && g.Aim <= g.Must {
			t.Errorf("%s: aim %v, must %v", g.Name, g.Aim, g.Must)
		}
	}
}
