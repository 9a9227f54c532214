package embedded

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"kapivara/natsconf"
)

// AppsUser is the user of the applications' account, for clients of a server with an AppsPassword. ServicesUser is the
// services'.
const (
	AppsUser     = "apps"
	ServicesUser = "services"
)

// natsReady is how long the server may take to listen.
const natsReady = 10 * time.Second

// NATSConfig says where the server in process listens.
type NATSConfig struct {
	// Addr is an IP address and a port; port 0 or -1 takes a free one. Defaults to 127.0.0.1:4222.
	Addr string
	// AppsPassword is what clients need to connect as user apps. Empty: none; the server then listens on the loopback
	// alone.
	AppsPassword string
	// Name is the server's name in its INFO. Defaults to kapivara.
	Name string
	// Log hears the server's warnings and errors. It may be nil.
	Log *slog.Logger
}

// NATS is a running NATS server with two accounts: the services in one, the applications in the other. It satisfies
// nats.InProcessConnProvider.
type NATS struct {
	server   *server.Server
	password string
	done     chan struct{}
}

// StartNATS starts a server and returns when it takes connections.
func StartNATS(cfg NATSConfig) (*NATS, error) {
	password := rand.Text()
	opts, err := natsOptions(cfg, password)
	if err != nil {
		return nil, fmt.Errorf("embedded nats: %w", err)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("embedded nats: %w", err)
	}
	n := &NATS{server: srv, password: password, done: make(chan struct{})}
	log := newNATSLog(cfg.Log)
	srv.SetLoggerV2(log, false, false, false)
	srv.Start()
	go func() {
		srv.WaitForShutdown()
		close(n.done)
	}()
	if len(log.fatal) == 0 && srv.ReadyForConnections(natsReady) {
		return n, nil
	}
	srv.Shutdown()
	<-n.done
	select {
	case why := <-log.fatal:
		return nil, fmt.Errorf("embedded nats: %s", why)
	default:
		return nil, fmt.Errorf("embedded nats: not ready within %v on %s", natsReady, cfg.Addr)
	}
}

// Check tells what is wrong with the address, or with listening there without a password.
func (cfg NATSConfig) Check() error {
	host, _, err := splitAddr(cfg.Addr)
	if err == nil && cfg.AppsPassword == "" && !host.IsLoopback() {
		return fmt.Errorf("address %s: beyond the loopback the server needs a password for its clients", cfg.Addr)
	}
	return err
}

func natsOptions(cfg NATSConfig, servicesPassword string) (*server.Options, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	host, port, err := splitAddr(cfg.Addr)
	if err != nil {
		return nil, err
	}
	text, err := natsconf.Files.ReadFile("embedded.conf")
	if err != nil {
		return nil, err
	}
	opts := &server.Options{NoSigs: true, LameDuckGracePeriod: time.Millisecond, LameDuckDuration: 300 * time.Millisecond}
	appsPassword := cfg.AppsPassword
	if appsPassword == "" {
		appsPassword = rand.Text()
		opts.NoAuthUser = AppsUser
	}
	variables := "SERVICES_PASSWORD: " + strconv.Quote(servicesPassword) + "\nAPPS_PASSWORD: " + strconv.Quote(appsPassword) + "\n"
	if err := opts.ProcessConfigString(variables + string(text)); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	opts.Host, opts.Port = host.String(), port
	opts.ServerName = cfg.Name
	if opts.ServerName == "" {
		opts.ServerName = "kapivara"
	}
	return opts, nil
}

func splitAddr(addr string) (netip.Addr, int, error) {
	if addr == "" {
		addr = "127.0.0.1:4222"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.Addr{}, 0, fmt.Errorf("address %q: want ip:port", addr)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, 0, fmt.Errorf("address %q: want ip:port", addr)
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < -1 || number > 65535 {
		return netip.Addr{}, 0, fmt.Errorf("address %q: the port is no number from -1 to 65535", addr)
	}
	if number <= 0 {
		number = server.RANDOM_PORT
	}
	return ip, number, nil
}

// ClientURL is where clients connect, without a password in it.
func (n *NATS) ClientURL() string { return n.server.ClientURL() }

// User and Password are the services': they connect in process with nats.InProcessServer(n).
func (n *NATS) User() string { return ServicesUser }

// Password is new for each start and known to this process alone.
func (n *NATS) Password() string { return n.password }

// InProcessConn is a connection to the server that needs no network.
func (n *NATS) InProcessConn() (net.Conn, error) { return n.server.InProcessConn() }

// Server is the server itself, for its numbers and for tests.
func (n *NATS) Server() *server.Server { return n.server }

// Done is closed when the server has ended.
func (n *NATS) Done() <-chan struct{} { return n.done }

// Stop takes no new connections, tells the clients, closes their connections and waits. When ctx ends first it closes
// at once. Stop the services before it. Stopping twice is fine.
func (n *NATS) Stop(ctx context.Context) error {
	left := make(chan struct{})
	go func() {
		defer close(left)
		n.server.LameDuckShutdown()
	}()
	var err error
	select {
	case <-n.done:
	case <-ctx.Done():
		n.server.Shutdown()
		<-n.done
		err = fmt.Errorf("embedded nats: stopped at once: %w", ctx.Err())
	}
	<-left
	return err
}
