// Package postgres keeps the store and the bus in PostgreSQL 15 and later.
//
// pgx moves the bytes of the append path, the outbox, the settlements and the hot reads; bun runs the migrations, the
// registry and the queries that are put together from optional filters, over the same pool. Each statement of weight
// lies in a .sql file that says what it guarantees, which index it walks and which lock it takes.
package postgres
