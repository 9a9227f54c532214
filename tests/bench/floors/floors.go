// Package floors measures what the machine can do at best: PostgreSQL alone and NATS alone, doing the part of Kapivara's
// work that nobody can leave out.
package floors

import "kapivara/tests/bench/harness"

// The names of the floors.
const (
	Copy   = "floor-copy"
	Table  = "floor-copy-table"
	Commit = "floor-commit"
	Echo   = "floor-echo"
	Read   = "floor-read"
	Log    = "floor-log"
)

// Cells are all floors.
func Cells() []harness.Cell {
	past := sharedPast()
	return []harness.Cell{
		{Name: Copy, About: "F: COPY of 1,000 rows a transaction, one connection, into Kapivara's events with all indexes, triggers off", Start: copies(false)},
		{Name: Table, About: "the same with the triggers that keep the log gapless", Start: copies(true)},
		{Name: Commit, Unit: "commits", About: "C: a transaction of one small row, one connection", Start: startCommit},
		{Name: Echo, Unit: "requests", About: "E: a NATS request to another process and its reply, one in flight", Start: startEcho},
		{Name: Read, Unit: "reads", About: "R: the bare SQL that reads a stream of 20 events, one connection", Start: reads(past)},
		{Name: Log, About: "L: COPY out of the log in log order", Start: logs(past)},
	}
}
