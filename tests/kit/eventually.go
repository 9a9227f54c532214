package kit

import (
	"testing"
	"time"
)

// Eventually asks check again and again until it returns nil, and fails the test with its last error when timeout
// passes first. It is for what other processes do; wait on a channel for what happens in this one.
func Eventually(t testing.TB, timeout time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %v", timeout, err)
		}
		<-tick.C
	}
}
