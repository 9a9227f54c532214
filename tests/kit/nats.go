package kit

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NATS starts a NATS server in this process, on a free port of the loopback, without accounts or users, and gives its
// URL. It ends with the test.
func NATS(t testing.TB) string {
	t.Helper()
	return NATSServer(t, &server.Options{}).ClientURL()
}

// NATSServer starts a NATS server in this process by the given options; address, port, signals and log are set here.
// It ends with the test.
func NATSServer(t testing.TB, opts *server.Options) *server.Server {
	t.Helper()
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatalf("kit: nats server: %v", err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatalf("kit: nats server: not ready within 30 s")
	}
	return srv
}
