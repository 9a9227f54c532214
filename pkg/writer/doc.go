// Package writer is the use case of the write service: it takes appends and changes of the registry, decides them by the
// rules of the core and has them stored.
//
// Appends share transactions. What arrives while a batch is on its way makes up the next one; each is decided and
// answered by itself. An append goes one of three roads:
//
//   - batch.go: the fast one. Decided on cached stream heads, written by compare and set on the log's tip: when that
//     succeeds nobody else has written since, so every cached head was true.
//   - repeat.go: ids seen before. Answered by one look-up without a lock where all events are repeats.
//   - exclusive.go: all that is suspect, every refusal included. Decided under the log's lock on what is stored now.
package writer
