//go:build race

package importlog_test

// slow tells that the race detector is on: the largest log then takes minutes.
const slow = true
