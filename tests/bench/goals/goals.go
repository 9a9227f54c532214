// Package goals says what Kapivara's figures must be beside their floors and rivals of the same run, what they aim at, and
// what was reached.
package goals

import (
	"math"

	"kapivara/tests/bench/cells"
	"kapivara/tests/bench/floors"
	"kapivara/tests/bench/harness"
)

// Goal is a figure with its bounds.
type Goal struct {
	Name      string
	Must, Aim float64
	// AtMost: the bounds are upper ones.
	AtMost bool
	// Unit of the figure; empty for a ratio.
	Unit string
	// value is the figure of one round; NaN where a cell that it needs has none.
	value func(v view) float64
}

// The rivals' cells by name, so that the goals can be told without them.
const (
	messageDB       = "message-db"
	messageDBBest   = "message-db-best"
	emmett          = "emmett"
	watermill       = "watermill-sql"
	jetStreamAlways = "jetstream-always"
	jetStreamPull   = "jetstream-deliver"
	jetStreamSafe   = "jetstream-deliver-always"
)

const mib = 1 << 20

// All are the goals in the order of the table. C, E, F, L and R are the floors.
func All() []Goal {
	var all []Goal
	for _, group := range [][]Goal{appends(), latencies(), throughputs(), reads(), sizes(), costs()} {
		all = append(all, group...)
	}
	return all
}

func appends() []Goal {
	over := func(rival string) func(view) float64 {
		return func(v view) float64 { return v.rate(cells.Append1) / v.rate(rival) }
	}
	return []Goal{
		{Name: "append, 512 in flight, 1 event a request ÷ F", Must: 0.40, Aim: 0.50, value: over(floors.Copy)},
		{Name: "append, 512 in flight, 10 events a request ÷ F", Must: 0.85, Aim: 1.0, value: func(v view) float64 {
			return v.rate(cells.Append10) / v.rate(floors.Copy)
		}},
		{Name: "append, 1 event a request ÷ message-db, 16 connections, one category", Must: 25, Aim: 35, value: over(messageDB)},
		{Name: "the same ÷ message-db at its best, 64 connections, 64 categories", Must: 7, Aim: 10, value: over(messageDBBest)},
		{Name: "the same ÷ emmett-postgresql, 16 at a time", Must: 22, Aim: 30, value: over(emmett)},
		{Name: "the same ÷ watermill-sql, 16 publishers", Must: 4, Aim: 6, value: over(watermill)},
		{Name: "the same ÷ JetStream with sync_interval: always, 512 in flight", Must: 14, Aim: 20, value: over(jetStreamAlways)},
		{Name: "repeats seen lately ÷ fresh appends", Must: 1.3, Aim: 2, value: func(v view) float64 {
			return v.rate(cells.RepeatsLately) / v.rate(cells.Append1)
		}},
		{Name: "repeats after a restart ÷ fresh appends", Must: 1, Aim: 1.3, value: func(v view) float64 {
			return v.rate(cells.RepeatsRestart) / v.rate(cells.Append1)
		}},
	}
}

func latencies() []Goal {
	return []Goal{
		{Name: "append alone p50 ÷ (C + E)", Must: 1.6, Aim: 1.3, AtMost: true, value: func(v view) float64 {
			return v.p50(cells.AppendAlone) / (v.p50(floors.Commit) + v.p50(floors.Echo))
		}},
		{Name: "send to handler, 200 streams/s, p50 ÷ (C + 2 E)", Must: 3, Aim: 2, AtMost: true, value: func(v view) float64 {
			return v.p50(cells.Delivery) / v.commitAndTwoEchoes()
		}},
		{Name: "the same, p99 ÷ (C + 2 E)", Must: 8, Aim: 5, AtMost: true, value: func(v view) float64 {
			return v.p99(cells.Delivery) / v.commitAndTwoEchoes()
		}},
		{Name: "the same after 60 quiet seconds ÷ the busy p50", Must: 2, Aim: 1.3, AtMost: true, value: func(v view) float64 {
			return v.p50(cells.DeliveryQuiet) / v.p50(cells.Delivery)
		}},
	}
}

func throughputs() []Goal {
	return []Goal{
		{Name: "pipeline ÷ append alone, streams of 5", Must: 0.72, Aim: 0.85, value: func(v view) float64 {
			return v.rate(cells.Pipeline) / v.rate(cells.Append5)
		}},
		{Name: "deliveries of a backlog ÷ JetStream, default sync (not durable)", Must: 1.2, Aim: 1.6, value: func(v view) float64 {
			return v.rate(cells.Backlog) / v.rate(jetStreamPull)
		}},
		{Name: "deliveries of a backlog ÷ JetStream, sync_interval: always", Must: 6, Aim: 9, value: func(v view) float64 {
			return v.rate(cells.Backlog) / v.rate(jetStreamSafe)
		}},
		{Name: "one bucket, one in flight, deliveries/s × (C + 2 E)", Must: 0.75, Aim: 0.9, value: func(v view) float64 {
			return v.rate(cells.OneBucket) * v.commitAndTwoEchoes() / 1e6
		}},
	}
}

func reads() []Goal {
	return []Goal{
		{Name: "read of a stream of 20 events, p50 ÷ (E + R)", Must: 1.4, Aim: 1.2, AtMost: true, value: func(v view) float64 {
			return v.p50(cells.ReadStream) / (v.p50(floors.Echo) + v.p50(floors.Read))
		}},
		{Name: "read of the whole log ÷ L", Must: 0.20, Aim: 0.35, value: func(v view) float64 {
			return v.rate(cells.ReadLog) / v.rate(floors.Log)
		}},
	}
}

func sizes() []Goal {
	p50 := func(large, small string) func(view) float64 {
		return func(v view) float64 { return v.p50(large) / v.p50(small) }
	}
	return []Goal{
		{Name: "append p50, 10 million events ÷ 0.5 million", Must: 1.15, Aim: 1.05, AtMost: true, value: p50(cells.LargeAppend, cells.SmallAppend)},
		{Name: "read of 20 events p50, the same", Must: 1.2, Aim: 1.05, AtMost: true, value: p50(cells.LargeRead, cells.SmallRead)},
		{Name: "delivery p50, the same", Must: 1.2, Aim: 1.05, AtMost: true, value: p50(cells.LargeDelivery, cells.SmallDelivery)},
	}
}

func costs() []Goal {
	memory := func(cell, role string) func(view) float64 {
		return func(v view) float64 { return v.memory(cell, role) / mib }
	}
	return []Goal{
		{Name: "writer's memory, 2,048 in flight", Must: 128, Aim: 64, AtMost: true, Unit: "MiB", value: memory(cells.MemoryWriter, harness.Writer)},
		{Name: "dispatcher's memory, 10,000 buckets, 1,000,000 pending", Must: 256, Aim: 128, AtMost: true, Unit: "MiB", value: memory(cells.MemoryBuckets, harness.Dispatcher)},
		{Name: "reader's memory, 64 large reads", Must: 128, Aim: 64, AtMost: true, Unit: "MiB", value: memory(cells.MemoryReader, harness.Reader)},
		{Name: "writer's CPU per event, 1 event a request", Must: 5, Aim: 3.5, AtMost: true, Unit: "µs", value: func(v view) float64 {
			return v.cpu(cells.Append1, harness.Writer)
		}},
		{Name: "PostgreSQL's CPU per event, 1 event a request ÷ F's", Must: 2.0, Aim: 1.7, AtMost: true, value: func(v view) float64 {
			return v.cpu(cells.Append1, harness.Postgres) / v.cpu(floors.Copy, harness.Postgres)
		}},
	}
}

// commitAndTwoEchoes is C + 2 E in microseconds.
func (v view) commitAndTwoEchoes() float64 { return v.p50(floors.Commit) + 2*v.p50(floors.Echo) }

// known tells whether a figure of a round is one.
func known(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
