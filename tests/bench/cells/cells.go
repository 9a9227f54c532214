// Package cells measures Kapivara as its users have it: by requests over NATS, with JSON, against its services.
package cells

import "kapivara/tests/bench/harness"

// The names of the cells.
const (
	Append1 = "append-1"
)

// Cells are all cells of Kapivara.
func Cells() []harness.Cell {
	log := sharedLog()
	return []harness.Cell{
		{Name: Append1, About: "acknowledged events, 512 requests in flight, 1 event a request, streams of 20", Start: appends(log, 512, 1, 20)},
	}
}
