package client

import (
	"errors"
	"time"

	"github.com/nats-io/nats.go"
)

// Option changes how a client connects or asks.
type Option func(*config) error

type config struct {
	timeout time.Duration
	maxAll  int
	nats    []nats.Option
}

func natsOption(o nats.Option) Option {
	return func(c *config) error {
		c.nats = append(c.nats, o)
		return nil
	}
}

// WithTimeout bounds how long a request waits for its answer; its context may end it sooner. Defaults to DefaultTimeout.
func WithTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return errors.New("a timeout is longer than 0")
		}
		c.timeout = d
		return nil
	}
}

// WithMaxAll bounds what Delivery.All gives, in bytes of data and attributes. Defaults to DefaultMaxAll.
func WithMaxAll(bytes int) Option {
	return func(c *config) error {
		if bytes <= 0 {
			return errors.New("the bound of All is more than 0 bytes")
		}
		c.maxAll = bytes
		return nil
	}
}

// WithName names the connection for those who look at the server. Defaults to kapivara-client.
func WithName(name string) Option { return natsOption(nats.Name(name)) }

// WithCredentials signs in with a credentials file (JWT and NKey seed).
func WithCredentials(path string) Option { return natsOption(nats.UserCredentials(path)) }

// WithUser signs in with a name and a password.
func WithUser(name, password string) Option { return natsOption(nats.UserInfo(name, password)) }

// WithToken signs in with a token.
func WithToken(token string) Option { return natsOption(nats.Token(token)) }

// WithNKey signs in with the NKey seed in a file.
func WithNKey(path string) Option {
	return func(c *config) error {
		o, err := nats.NkeyOptionFromSeed(path)
		if err != nil {
			return err
		}
		c.nats = append(c.nats, o)
		return nil
	}
}

// WithCA trusts the certificate authorities in the PEM files and demands TLS.
func WithCA(paths ...string) Option { return natsOption(nats.RootCAs(paths...)) }

// WithClientCertificate shows a certificate of ours, in PEM files.
func WithClientCertificate(cert, key string) Option { return natsOption(nats.ClientCert(cert, key)) }

// WithInboxPrefix receives answers below another prefix than _INBOX; it must begin with _INBOX all the same, as in
// _INBOX_billing, or services refuse to answer.
func WithInboxPrefix(prefix string) Option { return natsOption(nats.CustomInboxPrefix(prefix)) }

// WithNATS sets any option of the NATS client.
func WithNATS(opts ...nats.Option) Option {
	return func(c *config) error {
		c.nats = append(c.nats, opts...)
		return nil
	}
}
