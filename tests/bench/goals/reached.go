package goals

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"kapivara/tests/bench/harness"
)

// Reached is what became of a goal. A ratio is taken within each round, so that what slows a round down slows both sides.
type Reached struct {
	Name    string         `json:"name"`
	Must    float64        `json:"must"`
	Aim     float64        `json:"aim"`
	AtMost  bool           `json:"at_most"`
	Unit    string         `json:"unit,omitempty"`
	Figure  harness.Spread `json:"figure"` // over the rounds
	Verdict Verdict        `json:"verdict"`
}

// Verdict is how a goal's median stands to its bounds.
type Verdict string

// The verdicts.
const (
	Aimed       Verdict = "aim"
	Met         Verdict = "must"
	Missed      Verdict = "missed"
	NotMeasured Verdict = "not measured" // a cell that it needs is not in the run
)

// Of are all goals as the run has reached them.
func Of(report *harness.Report) []Reached {
	var all []Reached
	for _, g := range All() {
		all = append(all, g.reached(report))
	}
	return all
}

func (g Goal) reached(report *harness.Report) Reached {
	r := Reached{Name: g.Name, Must: g.Must, Aim: g.Aim, AtMost: g.AtMost, Unit: g.Unit, Verdict: NotMeasured}
	var values []float64
	for round := range report.Rounds {
		if figure := g.value(view{report, round}); known(figure) {
			values = append(values, figure)
		}
	}
	if len(values) == 0 {
		return r
	}
	r.Figure = harness.SpreadOf(values)
	switch {
	case g.holds(r.Figure.Median, g.Aim):
		r.Verdict = Aimed
	case g.holds(r.Figure.Median, g.Must):
		r.Verdict = Met
	default:
		r.Verdict = Missed
	}
	return r
}

func (g Goal) holds(figure, bound float64) bool {
	if g.AtMost {
		return figure <= bound
	}
	return figure >= bound
}

// view is one round of a report.
type view struct {
	report *harness.Report
	round  int
}

// of is a figure of a cell's round, NaN where the cell has not run it.
func (v view) of(cell string, figure func(harness.Round) float64) float64 {
	row := v.report.Cell(cell)
	if row == nil || v.round >= len(row.Rounds) {
		return math.NaN()
	}
	if f := figure(row.Rounds[v.round]); f > 0 {
		return f
	}
	return math.NaN()
}

func (v view) rate(cell string) float64 {
	return v.of(cell, func(r harness.Round) float64 { return r.PerSecond })
}

func (v view) p50(cell string) float64 {
	return v.of(cell, func(r harness.Round) float64 { return r.P50 })
}

func (v view) p99(cell string) float64 {
	return v.of(cell, func(r harness.Round) float64 { return r.P99 })
}

func (v view) cpu(cell, role string) float64 {
	return v.of(cell, func(r harness.Round) float64 { return r.CPU[role] })
}

func (v view) memory(cell, role string) float64 {
	return v.of(cell, func(r harness.Round) float64 { return float64(r.Memory[role]) })
}

// Write writes a table of the goals that were measured.
func Write(to io.Writer, all []Reached) {
	fmt.Fprintln(to)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GOAL\tMUST\tAIM\tMEDIAN\tLOWEST\tHIGHEST\t")
	missing := 0
	for _, r := range all {
		if r.Verdict == NotMeasured {
			missing++
			continue
		}
		sign, unit := "≥", ""
		if r.AtMost {
			sign = "≤"
		}
		if r.Unit != "" {
			unit = " " + r.Unit
		}
		fmt.Fprintf(table, "%s\t%s %s%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, sign, harness.Figure(r.Must), unit, harness.Figure(r.Aim),
			harness.Figure(r.Figure.Median), harness.Figure(r.Figure.Low), harness.Figure(r.Figure.High), r.Verdict)
	}
	_ = table.Flush() // a terminal that can't be written to has no reader
	if missing > 0 {
		fmt.Fprintf(to, "%d goals were not measured: a cell that they need has not run\n", missing)
	}
}
