package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Report is a whole run, as -json writes it.
type Report struct {
	Machine  Machine           `json:"machine"`
	Began    time.Time         `json:"began"`
	Took     string            `json:"took"`
	Rounds   int               `json:"rounds"`
	Length   string            `json:"length"`
	Quick    bool              `json:"quick"`
	Versions map[string]string `json:"versions"`
	Cells    []*Row            `json:"cells"`
	Goals    any               `json:"goals,omitempty"`
}

// Row is a cell with its rounds.
type Row struct {
	Name   string  `json:"name"`
	About  string  `json:"about"`
	Unit   string  `json:"unit"`
	Rounds []Round `json:"rounds"`
	// Skipped or Failed say why there are no rounds, or not all.
	Skipped string `json:"skipped,omitempty"`
	Failed  string `json:"failed,omitempty"`
}

// Round are the figures of one round. Times are in microseconds, memory is in bytes.
type Round struct {
	Operations int64              `json:"operations"`
	Seconds    float64            `json:"seconds"`
	PerSecond  float64            `json:"per_second"`
	P50        float64            `json:"p50_us,omitempty"`
	P99        float64            `json:"p99_us,omitempty"`
	CPU        map[string]float64 `json:"cpu_us_per_operation,omitempty"`
	Memory     map[string]int64   `json:"memory_bytes,omitempty"`
}

// roundOf makes the figures of a result.
func roundOf(r Result) (Round, error) {
	if r.Operations <= 0 || r.Elapsed <= 0 {
		return Round{}, fmt.Errorf("the round has %d operations in %v", r.Operations, r.Elapsed)
	}
	slices.Sort(r.Latencies)
	round := Round{
		Operations: r.Operations, Seconds: r.Elapsed.Seconds(), PerSecond: float64(r.Operations) / r.Elapsed.Seconds(),
		P50: micro(percentile(r.Latencies, 50)), P99: micro(percentile(r.Latencies, 99)),
		CPU: map[string]float64{}, Memory: r.Memory,
	}
	for role, used := range r.CPU {
		round.CPU[role] = micro(used) / float64(r.Operations)
	}
	return round, nil
}

// Over is the spread of a figure over the rounds; false where there are none.
func (r *Row) Over(figure func(Round) float64) (Spread, bool) {
	if r == nil || len(r.Rounds) == 0 {
		return Spread{}, false
	}
	values := make([]float64, len(r.Rounds))
	for i, round := range r.Rounds {
		values[i] = figure(round)
	}
	return SpreadOf(values), true
}

// Cell is the row of a name, nil where the run has none.
func (r *Report) Cell(name string) *Row {
	for _, row := range r.Cells {
		if row.Name == name {
			return row
		}
	}
	return nil
}

// Failed tells whether any cell has failed.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.Cells, func(row *Row) bool { return row.Failed != "" })
}

// WriteJSON writes the whole report.
func (r *Report) WriteJSON(to io.Writer) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		_, err = to.Write(append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
