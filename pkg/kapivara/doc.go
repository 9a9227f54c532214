// Package kapivara is the core: the words and the rules of the store and the bus, without clock, I/O or logger.
//
// Read it in the order of the data: names.go and event.go say what travels; head.go and append.go decide whether an
// append fits its stream; registry.go and filter.go say who may append and for whom a stream becomes due; bucket.go
// chooses the bucket; delivery.go says what an answer does to a delivery.
//
// Every rule here is the same code in memory and on PostgreSQL.
package kapivara
