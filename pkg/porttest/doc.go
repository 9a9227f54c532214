// Package porttest holds the conformance suites of the ports: what each promises, as tests that run on every store
// that keeps it.
package porttest
