package client

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// DefaultURL is where a NATS server is looked for when no other place is named.
const DefaultURL = nats.DefaultURL

// DefaultTimeout is how long a request waits for its answer.
const DefaultTimeout = 5 * time.Second

// Client sends the requests of the protocol over one NATS connection.
type Client struct {
	nc      *nats.Conn
	own     bool // Close closes the connection
	timeout time.Duration
	maxAll  int
	window  window
}

// Connect connects to NATS; url may hold several servers, with commas between. Once connected the client comes back by
// itself, for ever, whenever the connection is lost. An error satisfies IsUnreachable where no server let it in.
func Connect(url string, opts ...Option) (*Client, error) {
	c := &config{timeout: DefaultTimeout, maxAll: DefaultMaxAll, nats: []nats.Option{
		nats.Name("kapivara-client"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 250*time.Millisecond),
		// Who loses the connection hears it from the request that is lost, and asks again; nothing waits in a buffer.
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}}
	for _, opt := range opts {
		if err := opt(c); err != nil {
			return nil, fmt.Errorf("connect: %w", err)
		}
	}
	nc, err := nats.Connect(url, c.nats...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w: %w", url, ErrDisconnected, err)
	}
	return &Client{nc: nc, own: true, timeout: c.timeout, maxAll: c.maxAll}, nil
}

// New uses a connection that exists. Close leaves it open.
func New(nc *nats.Conn, opts ...Option) (*Client, error) {
	c := &config{timeout: DefaultTimeout, maxAll: DefaultMaxAll}
	for _, opt := range opts {
		if err := opt(c); err != nil {
			return nil, fmt.Errorf("new client: %w", err)
		}
	}
	if len(c.nats) > 0 {
		return nil, errors.New("new client: the options of the connection are set where it is made")
	}
	return &Client{nc: nc, timeout: c.timeout, maxAll: c.maxAll}, nil
}

// Conn is the connection, for what the SDK does not offer.
func (c *Client) Conn() *nats.Conn { return c.nc }

// Close closes the connection that Connect made. Stop subscriptions first.
func (c *Client) Close() {
	if c.own {
		c.nc.Close()
	}
}
