package dispatcher

import (
	"errors"
	"time"
)

// Config are the dispatcher's settings; a zero field means its default.
type Config struct {
	// Holder is the name under which the dispatcher is at work, for whoever looks. Defaults to "dispatcher".
	Holder string
	// TTL is how long the duties outlive the one who has them. Defaults to 1.5s.
	TTL time.Duration
	// Connected tells whether the bus is in reach: out of its reach for TTL, the dispatcher leaves its subscribers to others.
	// Nil means always.
	Connected func() bool
	// Poll is how often the work is looked at without a poke. Defaults to 1s.
	Poll time.Duration
	// Body is how many bytes of events a delivery holds before it goes by reference. Defaults to 1000 KiB.
	Body int
	// Leases is the most first leases of a turn. Defaults to 500.
	Leases int
	// Hidden is the most hidden deliveries of a bucket in memory. Defaults to 256.
	Hidden int
	// Inbox is the most answers that wait for their turn. Defaults to 65536.
	Inbox int
}

// Validate reports every setting that is out of bounds.
func (c Config) Validate() error {
	var errs []error
	if c.TTL < 0 || c.Poll < 0 {
		errs = append(errs, errors.New("dispatcher: TTL and Poll are 0 or more"))
	}
	if c.Body < 0 || c.Leases < 0 || c.Inbox < 0 || c.Hidden < 0 {
		errs = append(errs, errors.New("dispatcher: Body, Leases, Hidden and Inbox are 0 or more"))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Holder == "" {
		c.Holder = "dispatcher"
	}
	if c.Connected == nil {
		c.Connected = func() bool { return true }
	}
	if c.TTL == 0 {
		c.TTL = 1500 * time.Millisecond
	}
	if c.Poll == 0 {
		c.Poll = time.Second
	}
	if c.Body == 0 {
		c.Body = 1000 << 10
	}
	if c.Leases == 0 {
		c.Leases = 500
	}
	if c.Hidden == 0 {
		c.Hidden = 256
	}
	if c.Inbox == 0 {
		c.Inbox = 1 << 16
	}
	return c
}
