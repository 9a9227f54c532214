// Package app puts the services together from the rooms: it is the one place that sees PostgreSQL, NATS and the use cases
// at once.
package app
