// Package floors measures what the machine can do at best: PostgreSQL alone and NATS alone, doing the part of Kapivara's
// work that nobody can leave out.
package floors

import "kapivara/tests/bench/harness"

// The names of the floors.
const (
	Copy   = "floor-copy"
	Commit = "floor-commit"
	Echo   = "floor-echo"
	Read   = "floor-read"
	Log    = "floor-log"
)

// Cells are all floors.
func Cells() []harness.Cell {
	return []harness.Cell{
		{Name: Copy, About: "F: COPY of 1,000 rows a transaction, one connection, into Kapivara's events with all indexes", Start: startCopy},
	}
}
