// Package memory keeps the ports in memory: the executable specification of the store, and the model that property tests
// hold PostgreSQL against.
package memory
