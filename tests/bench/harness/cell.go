// Package harness runs a bench: it starts PostgreSQL and NATS servers and the services as processes of their own, runs the
// cells in alternating rounds, reads from /proc what each process has used, and makes a report of medians and spreads.
package harness

import (
	"context"
	"fmt"
	"time"
)

// Cell is one thing that is measured: a row of the table.
type Cell struct {
	// Name is a few words with dashes, as -only takes it.
	Name string
	// About says in a line what is measured and how.
	About string
	// Unit is what Result.Operations counts. Defaults to events.
	Unit string
	// Start makes all ready, warms up, and gives what runs the rounds. What it puts on the stage is put away after Stop,
	// also where Start fails. An error by Skip leaves the cell out of the table with its reason.
	Start func(ctx context.Context, s *Stage) (Runner, error)
}

// Runner runs the rounds of one cell, one at a time.
type Runner interface {
	// Round measures for about the length. It checks what it measures: a refusal, a loss or a wrong answer is an error.
	Round(ctx context.Context, length time.Duration) (Result, error)
	// Stop ends what Start began.
	Stop(ctx context.Context) error
}

// Result is what one round has seen.
type Result struct {
	// Operations were done in Elapsed.
	Operations int64
	Elapsed    time.Duration
	// Latencies are of single operations; there need not be one for each.
	Latencies []time.Duration
	// CPU is the time that each role has used, and Memory the bytes it has had at most. Left nil, both are taken over the
	// whole of Round; a round that prepares something takes them by Stage.Meter over what it measures.
	CPU    map[string]time.Duration
	Memory map[string]int64
}

// skipped says why a cell cannot run here.
type skipped struct{ reason string }

func (s skipped) Error() string { return s.reason }

// Skip is the error of a Start that lacks something of this machine: the cell is left out with the reason.
func Skip(format string, args ...any) error {
	return skipped{fmt.Sprintf(format, args...)}
}

// RunnerFunc is a Runner of one function that has nothing to stop: what it uses stands on the stage.
type RunnerFunc func(ctx context.Context, length time.Duration) (Result, error)

// Round calls f.
func (f RunnerFunc) Round(ctx context.Context, length time.Duration) (Result, error) {
	return f(ctx, length)
}

// Stop does nothing.
func (f RunnerFunc) Stop(context.Context) error { return nil }
