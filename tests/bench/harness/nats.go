package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NATSCommand is the first argument by which this program is a NATS server; the second is its configuration file.
const NATSCommand = "nats-server"

// NATSServer starts a NATS server as a process of its own, by the text of a configuration, on a free port of the loopback.
// It gives the URL. Its version is noted.
func (s *Stage) NATSServer(ctx context.Context, config string) (url string, err error) {
	dir, err := s.NewDir("nats")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "server.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return "", fmt.Errorf("configuration of the NATS server: %w", err)
	}
	cmd, err := Self(NATSCommand, path)
	if err != nil {
		return "", err
	}
	_, ready, err := s.Spawn(ctx, NATS, cmd)
	if err != nil {
		return "", err
	}
	s.Version("nats-server", server.VERSION)
	_, url, ok := strings.Cut(ready, " ready ")
	if !ok {
		return "", fmt.Errorf("the NATS server says %q", ready)
	}
	return url, nil
}

// ServeNATS is the NATS server's process: it serves by the configuration file until it is interrupted.
func ServeNATS(path string) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	opts, err := server.ProcessConfigFile(path)
	if err != nil {
		return fmt.Errorf("nats server: %w", err)
	}
	opts.Host, opts.Port, opts.NoSigs = "127.0.0.1", server.RANDOM_PORT, true
	srv, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("nats server: %w", err)
	}
	srv.Start()
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	if !srv.ReadyForConnections(30 * time.Second) {
		return errors.New("nats server: not ready within 30 s")
	}
	fmt.Println("nats-server ready", srv.ClientURL())
	<-stop
	return nil
}
