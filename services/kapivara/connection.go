package main

import (
	"time"

	"kapivara/pkg/client"
)

// connection are the flags that say where NATS is and who we are there. A flag goes before the NATS context.
type connection struct {
	Server      string        `short:"s" env:"NATS_URL" placeholder:"URL" help:"NATS server(s), with commas between. Defaults to the selected nats context, else nats://127.0.0.1:4222."`
	User        string        `env:"NATS_USER" help:"User name, or a token where no password is given."`
	Password    string        `env:"NATS_PASSWORD" help:"Password."`
	Creds       string        `env:"NATS_CREDS" type:"path" placeholder:"FILE" help:"Credentials file."`
	Nkey        string        `env:"NATS_NKEY" type:"path" placeholder:"FILE" help:"File with an NKey seed."`
	TLSCA       string        `name:"tlsca" env:"NATS_CA" type:"path" placeholder:"FILE" help:"Certificate authorities to trust."`
	TLSCert     string        `name:"tlscert" env:"NATS_CERT" type:"path" placeholder:"FILE" help:"Client certificate."`
	TLSKey      string        `name:"tlskey" env:"NATS_KEY" type:"path" placeholder:"FILE" help:"Key of the client certificate."`
	InboxPrefix string        `env:"NATS_INBOX_PREFIX" placeholder:"PREFIX" help:"Where answers are received; begins with _INBOX."`
	Context     string        `env:"NATS_CONTEXT" help:"Context of the nats command to take these settings from."`
	Timeout     time.Duration `default:"5s" env:"NATS_TIMEOUT" help:"How long to wait for an answer."`
}

// connect connects as the flags and the NATS context say.
func (a *session) connect() (*client.Client, error) {
	settings, err := natsContext(a.connection)
	if err != nil {
		return nil, usageError{err}
	}
	options := []client.Option{client.WithTimeout(a.connection.Timeout), client.WithName("kapivara")}
	add := func(option client.Option, given ...string) {
		if given[0] != "" {
			options = append(options, option)
		}
	}
	if settings.Password != "" || settings.Token != "" {
		add(client.WithUser(settings.User, settings.Password), settings.User)
		add(client.WithToken(settings.Token), settings.Token)
	} else {
		add(client.WithToken(settings.User), settings.User)
	}
	add(client.WithCredentials(settings.Creds), settings.Creds)
	add(client.WithNKey(settings.NKey), settings.NKey)
	add(client.WithCA(settings.CA), settings.CA)
	add(client.WithClientCertificate(settings.Cert, settings.Key), settings.Cert)
	add(client.WithInboxPrefix(settings.InboxPrefix), settings.InboxPrefix)
	return client.Connect(settings.URL, options...)
}

// with connects, runs f and closes the connection.
func (a *session) with(f func(*client.Client) error) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c)
}
