//go:build !race

package importlog_test

// slow tells that the race detector is on.
const slow = false
