// Package kit gives tests what they run on: a private PostgreSQL cluster for each test binary with a database of its
// own for each test, NATS servers in process, a logger, and patience.
package kit

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main runs the tests of a package, stops the cluster that they shared, and fails the run when a goroutine is left:
//
//	func TestMain(m *testing.M) { kit.Main(m) }
//
// Each package that uses Postgres or EmptyPostgres needs it, or the cluster's folder stays behind.
func Main(m *testing.M, leaksIgnored ...goleak.Option) {
	os.Exit(Run(m, leaksIgnored...))
}

// Run is Main without the exit, for packages that have more to put away. It gives the exit status.
func Run(m *testing.M, leaksIgnored ...goleak.Option) int {
	code := m.Run()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := stopShared(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "kit: stop the cluster:", err)
		code = max(code, 1)
	}
	if code == 0 {
		if err := goleak.Find(leaksIgnored...); err != nil {
			fmt.Fprintln(os.Stderr, "kit: goroutines are left:", err)
			code = 1
		}
	}
	return code
}
