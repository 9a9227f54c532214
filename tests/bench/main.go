// Command bench measures Kapivara, what the machine can do at best, and the systems that one would take instead, in
// alternating rounds of one run, and prints medians and ratios:
//
//	go -C tests/bench run . [-only a,b] [-rounds 5] [-for 3s] [-quick] [-json FILE] [-list]
//
// It starts all that it needs and puts it away. docs/performance.md tells what the figures mean.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"kapivara/tests/bench/cells"
	"kapivara/tests/bench/floors"
	"kapivara/tests/bench/goals"
	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/rivals"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// allCells are the rows of the table, in its order.
func allCells() []harness.Cell {
	return slices.Concat(floors.Cells(), cells.Cells(), rivals.Cells())
}

// flags are what the command line says.
type flags struct {
	harness.Options
	only, json  string
	quick, list bool
}

func readFlags(args []string, errs io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(errs)
	set.StringVar(&f.only, "only", "", "names of cells with commas between, a * stands for anything; default: all")
	set.IntVar(&f.Rounds, "rounds", 5, "rounds of each cell")
	set.DurationVar(&f.Length, "for", 3*time.Second, "length of a round")
	set.BoolVar(&f.quick, "quick", false, "one short round of small sizes, to see that all works: the figures mean nothing")
	set.StringVar(&f.json, "json", "", "file for the report as JSON, - for stdout in the table's place")
	set.BoolVar(&f.list, "list", false, "list the cells")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if f.quick {
		f.Rounds, f.Length = 1, 200*time.Millisecond
	}
	if set.NArg() > 0 || f.Rounds < 1 || f.Length <= 0 {
		set.Usage()
		return f, errors.New("wrong arguments")
	}
	return f, nil
}

// run is the whole program. It gives the exit status: 0, 1 where a cell has failed, 2 for wrong arguments, 130 after Ctrl-C.
func run(args []string, out, errs io.Writer) int {
	if serve := servant(args); serve != nil {
		if err := serve(args[1]); err != nil {
			fmt.Fprintln(errs, err)
			return 1
		}
		return 0
	}
	f, err := readFlags(args, errs)
	if err != nil {
		return 2
	}
	chosen, err := choose(allCells(), f.only)
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 2
	}
	if f.list {
		for _, c := range chosen {
			fmt.Fprintf(out, "%-24s %s\n", c.Name, c.About)
		}
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	switch err := measure(ctx, f, chosen, out, errs); {
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "bench: stopped before its end")
		return 130
	case err != nil:
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}

// servant is what this program is when the bench has started it to be something else; nil for the bench.
func servant(args []string) func(string) error {
	if len(args) != 2 {
		return nil
	}
	switch args[0] {
	case harness.NATSCommand:
		return harness.ServeNATS
	case floors.EchoCommand:
		return floors.ServeEcho
	}
	return nil
}

// measure runs the cells and writes the report.
func measure(ctx context.Context, f flags, chosen []harness.Cell, out, errs io.Writer) (err error) {
	ground, err := harness.NewGround(ctx, f.quick, errs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ground.Close()) }()
	report, err := harness.Run(ctx, ground, chosen, f.Options)
	if err != nil {
		return err
	}
	var reached []goals.Reached
	if !f.quick { // its figures mean nothing
		reached = goals.Of(report)
		report.Goals = reached
	}
	if f.json != "-" {
		report.WriteTable(out)
	}
	if f.json != "-" && !f.quick {
		goals.Write(out, reached)
	}
	if err := writeJSON(report, f.json, out); err != nil {
		return err
	}
	if report.Failed() {
		return errors.New("a cell has failed")
	}
	return nil
}

func writeJSON(report *harness.Report, path string, out io.Writer) error {
	switch path {
	case "":
		return nil
	case "-":
		return report.WriteJSON(out)
	}
	file, err := os.Create(path) //nolint:gosec // the user's own choice
	if err != nil {
		return err
	}
	return errors.Join(report.WriteJSON(file), file.Close())
}

// choose takes the cells that -only names.
func choose(all []harness.Cell, only string) ([]harness.Cell, error) {
	if only == "" {
		return all, nil
	}
	var chosen []harness.Cell
	patterns := strings.Split(only, ",")
	for _, pattern := range patterns {
		found := false
		for _, c := range all {
			match, err := path.Match(pattern, c.Name)
			if err != nil {
				return nil, fmt.Errorf("-only %s: %w", pattern, err)
			}
			found = found || match
		}
		if !found {
			return nil, fmt.Errorf("-only: no cell is named %s; -list shows them", pattern)
		}
	}
	for _, c := range all {
		if slices.ContainsFunc(patterns, func(pattern string) bool { match, _ := path.Match(pattern, c.Name); return match }) {
			chosen = append(chosen, c)
		}
	}
	return chosen, nil
}
