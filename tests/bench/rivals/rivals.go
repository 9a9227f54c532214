// Package rivals holds the cells of the systems that a user would pick instead, each used as its own documentation says to
// use it fast, with events as large as Kapivara's. None of their code is here: they are dependencies of the bench.
//
// Each cell counts at the end of every round what its store really holds: one that has lost or doubled anything that it
// acknowledged fails.
package rivals

import "kapivara/tests/bench/harness"

// The names of the cells.
const (
	MessageDB         = "message-db"
	MessageDBBest     = "message-db-best"
	Emmett            = "emmett"
	Watermill         = "watermill-sql"
	River             = "river"
	JetStreamDefault  = "jetstream"
	JetStreamAlways   = "jetstream-always"
	JetStreamDelivers = "jetstream-deliver"
	JetStreamSafe     = "jetstream-deliver-always"
)

// Cells are all of them.
func Cells() []harness.Cell {
	return []harness.Cell{
		{
			Name: MessageDB, Start: messageDB(16, 1),
			About: "write_message over 16 connections, all in one category, a message a transaction, streams of 20",
		}, {
			Name: MessageDBBest, Start: messageDB(64, 64),
			About: "the same over 64 connections in 64 categories, so that its lock of a category holds nobody back",
		}, {
			Name: Emmett, Start: emmett(16),
			About: "appendToStream of one event, 16 at a time over a pool of 16 connections, streams of 20, in Node.js",
		}, {
			Name: Watermill, Start: watermillSQL(16),
			About: "Publish of one message at a time by 16 publishers over a pool of 16 connections, default schema",
		}, {
			Name: River, Unit: "jobs", Start: riverJobs,
			About: "InsertManyFast by 1,000 and 2,000 workers that do nothing: jobs inserted, worked and recorded as completed",
		}, {
			Name: JetStreamDefault, Start: jetStreamAppend(syncDefault),
			About: "publishes with the expected last sequence of the subject, 512 in flight, 20 a subject; default sync: not durable",
		}, {
			Name: JetStreamAlways, Start: jetStreamAppend(syncAlways),
			About: "the same with sync_interval: always",
		}, {
			Name: JetStreamDelivers, Unit: "deliveries", Start: jetStreamDeliver(syncDefault, deliverBacklog),
			About: "100,000 published, then pulled over 4 connections and acknowledged with confirmation, 1,024 at a time; default sync: not durable",
		}, {
			Name: JetStreamSafe, Unit: "deliveries", Start: jetStreamDeliver(syncAlways, deliverSynced),
			About: "the same of 20,000 with sync_interval: always",
		},
	}
}
