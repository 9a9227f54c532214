package harness

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteTable writes a line for each cell, of medians over the rounds: operations a second with their spread, the median and
// the 99th percentile of their times, and what each role has used for one operation and of memory.
func (r *Report) WriteTable(to io.Writer) {
	fmt.Fprintf(to, "\n%s, %d processors, %d MiB, Linux %s, load %s\n", r.Machine.CPU, r.Machine.Processors, r.Machine.MemoryMiB, r.Machine.Kernel, r.Machine.Load)
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(to, "%s %s\n", name, r.Versions[name])
	}
	fmt.Fprintf(to, "%d rounds of %s, began %s, took %s\n\n", r.Rounds, r.Length, r.Began.Format(time.DateTime), r.Took)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CELL\tA SECOND\tLOWEST\tHIGHEST\tP50\tP99\tCPU µs/OPERATION\tMEMORY MiB")
	for _, row := range r.Cells {
		row.write(table)
	}
	_ = table.Flush() // a terminal that can't be written to has no reader
	for _, row := range r.Cells {
		if row.Failed != "" {
			fmt.Fprintf(to, "%s failed: %s\n", row.Name, row.Failed)
		}
		if row.Skipped != "" {
			fmt.Fprintf(to, "%s was skipped: %s\n", row.Name, row.Skipped)
		}
	}
}

func (r *Row) write(table io.Writer) {
	rate, ok := r.Over(func(round Round) float64 { return round.PerSecond })
	if !ok {
		return
	}
	p50, _ := r.Over(func(round Round) float64 { return round.P50 })
	p99, _ := r.Over(func(round Round) float64 { return round.P99 })
	fmt.Fprintf(table, "%s\t%s %s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, Figure(rate.Median), r.Unit, Figure(rate.Low), Figure(rate.High),
		Micros(p50.Median), Micros(p99.Median),
		r.roles(func(round Round, role string) float64 { return round.CPU[role] }),
		r.roles(func(round Round, role string) float64 { return float64(round.Memory[role]) / (1 << 20) }))
}

// roles is a figure of each role that has any, as "postgres 7.7 writer 4.6".
func (r *Row) roles(figure func(Round, string) float64) string {
	var seen []string
	for _, role := range slices.Sorted(maps.Keys(r.Rounds[0].CPU)) {
		over, _ := r.Over(func(round Round) float64 { return figure(round, role) })
		if over.Median > 0 {
			seen = append(seen, role+" "+Figure(over.Median))
		}
	}
	return strings.Join(seen, " ")
}

// Figure writes a number with three digits that count, or all of a larger one's whole part.
func Figure(v float64) string {
	switch {
	case v >= 100:
		return thousands(int64(v + 0.5))
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
}

// thousands writes 86211 as 86,211.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Micros writes a time in microseconds with its unit; "-" for none.
func Micros(us float64) string {
	switch {
	case us == 0:
		return "-"
	case us < 1000:
		return Figure(us) + " µs"
	case us < 1_000_000:
		return Figure(us/1000) + " ms"
	default:
		return Figure(us/1_000_000) + " s"
	}
}
