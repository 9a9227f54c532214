package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// Options are how a run is made.
type Options struct {
	Rounds int
	Length time.Duration // of one round of one cell
}

// entrant is a cell in the run.
type entrant struct {
	cell   Cell
	row    *Row
	stage  *Stage
	runner Runner // nil: skipped, failed, or stopped
}

// Run starts all cells, runs each once in every round, and stops them. A cell that fails is noted in its row and takes no
// further part; the error is ctx's alone. The report is whole in so far as the run has come.
func Run(ctx context.Context, g *Ground, cells []Cell, o Options) (*Report, error) {
	report := &Report{
		Machine: thisMachine(), Began: time.Now().UTC(), Rounds: o.Rounds, Length: o.Length.String(), Quick: g.Quick,
	}
	entrants := make([]*entrant, len(cells))
	for i, cell := range cells {
		if cell.Unit == "" {
			cell.Unit = "events"
		}
		entrants[i] = &entrant{cell: cell, row: &Row{Name: cell.Name, About: cell.About, Unit: cell.Unit}, stage: newStage(g)}
		report.Cells = append(report.Cells, entrants[i].row)
	}
	for _, e := range entrants {
		e.start(ctx)
	}
	for n := range o.Rounds {
		for _, e := range entrants {
			e.round(ctx, n, o)
		}
	}
	for i := len(entrants) - 1; i >= 0; i-- {
		entrants[i].stop()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	report.Versions = maps.Clone(g.versions)
	report.Took = time.Since(report.Began).Round(time.Second).String()
	return report, ctx.Err()
}

func (e *entrant) start(ctx context.Context) {
	if ctx.Err() != nil {
		e.fail("start", ctx.Err())
		return
	}
	began := time.Now()
	runner, err := e.cell.Start(ctx, e.stage)
	var skip skipped
	switch {
	case errors.As(err, &skip):
		e.row.Skipped = skip.reason
		e.stage.Say("%s: skipped: %s", e.cell.Name, skip.reason)
	case err != nil:
		e.fail("start", err)
	default:
		e.runner = runner
		e.stage.Say("%s: ready after %v", e.cell.Name, time.Since(began).Round(time.Millisecond))
		return
	}
	e.stop()
}

func (e *entrant) round(ctx context.Context, n int, o Options) {
	if e.runner == nil || ctx.Err() != nil {
		return
	}
	meter := e.stage.Meter()
	result, err := e.runner.Round(ctx, o.Length)
	if result.CPU == nil {
		result.CPU, result.Memory = meter.End()
	}
	var round Round
	if err == nil {
		round, err = roundOf(result)
	}
	if err != nil {
		e.fail(fmt.Sprintf("round %d", n+1), err)
		e.stop()
		return
	}
	e.row.Rounds = append(e.row.Rounds, round)
	e.stage.Say("%s: round %d of %d: %s %s/s, p50 %s, p99 %s", e.cell.Name, n+1, o.Rounds,
		Figure(round.PerSecond), e.cell.Unit, Micros(round.P50), Micros(round.P99))
}

func (e *entrant) fail(step string, err error) {
	e.row.Failed = fmt.Sprintf("%s: %v", step, err)
	e.stage.Say("%s: failed: %s", e.cell.Name, e.row.Failed)
}

// stop ends the cell whatever has become of the run. Stopping twice is fine.
func (e *entrant) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*stopWithin)
	defer cancel()
	var err error
	if e.runner != nil {
		err = e.runner.Stop(ctx)
		e.runner = nil
	}
	if err = errors.Join(err, e.stage.close(ctx)); err != nil && e.row.Failed == "" {
		e.fail("stop", err)
	}
}
