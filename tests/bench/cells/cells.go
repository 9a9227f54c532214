// Package cells measures Kapivara as its users have it: by requests over NATS, with JSON, against its services.
package cells

import (
	"slices"

	"kapivara/tests/bench/harness"
	"kapivara/tests/bench/load"
)

// The names of the cells that goals are set for.
const (
	Append1        = "append-1"
	Append10       = "append-10"
	Append5        = "append-streams-of-5"
	AppendAlone    = "append-alone"
	Delivery       = "delivery"
	DeliveryQuiet  = "delivery-quiet"
	Pipeline       = "pipeline"
	Backlog        = "backlog"
	OneBucket      = "one-bucket"
	ReadStream     = "read-stream"
	ReadLog        = "read-log"
	RepeatsLately  = "repeats-lately"
	RepeatsRestart = "repeats-restart"
	SmallAppend    = "small-append"
	SmallRead      = "small-read"
	SmallDelivery  = "small-delivery"
	LargeAppend    = "large-append"
	LargeRead      = "large-read"
	LargeDelivery  = "large-delivery"
	MemoryWriter   = "memory-writer"
	MemoryBuckets  = "memory-dispatcher"
	MemoryReader   = "memory-reader"
)

// inFlight is how many requests are on their way in the cells that ask for throughput.
const inFlight = 512

// Cells are all cells of Kapivara.
func Cells() []harness.Cell {
	return slices.Concat(appendCells(), repeatCells(), busCells(), readCells(), sizeCells(), memoryCells())
}

func appendCells() []harness.Cell {
	log := sharedLog()
	streams := func(events, length int) load.Streams {
		return load.Streams{Prefix: "bench/load/order/", Events: events, Length: length}
	}
	return []harness.Cell{
		{Name: Append1, About: "acknowledged, 512 requests in flight, 1 event a request, streams of 20", Start: appends(log, inFlight, streams(1, 20))},
		{Name: Append10, About: "acknowledged, 512 requests in flight, 10 events a request, streams of 20", Start: appends(log, inFlight, streams(10, 20))},
		{Name: Append5, About: "acknowledged, 512 requests in flight, 1 event a request, streams of 5", Start: appends(log, inFlight, streams(1, 5))},
		{Name: AppendAlone, About: "acknowledged, one request in flight, 1 event, streams of 20", Start: appends(log, 1, streams(1, 20))},
		{Name: MemoryWriter, About: "acknowledged, 2,048 requests in flight, 1 event a request: the writer's memory", Start: appends(log, 2048, streams(1, 20))},
	}
}
