// Package embedded runs what Kapivara rests on inside of, or as a child of, this process: a NATS server with Kapivara's
// accounts, and a private PostgreSQL server.
package embedded
