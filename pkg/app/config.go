package app

import (
	"errors"
	"fmt"

	"kapivara/pkg/wire"
)

// Config is what the services can be told. services/settings reads it from the environment.
type Config struct {
	// DataDir is the folder of the private PostgreSQL.
	DataDir string
	// NATSListen is the address on which the NATS server in process listens; port -1 takes a free one.
	NATSListen string
	// NATSClientPassword is what clients of that server need as user apps. Empty: none, and the loopback alone.
	NATSClientPassword string
	// NATS is a server that runs already. An empty URL stands for the server in process.
	NATS NATSConfig
	// PGURL is a PostgreSQL that runs already. Empty stands for a private one.
	PGURL string
	// PGOwnerURL is the same as the owner of the schema, for migrations. Defaults to PGURL.
	PGOwnerURL string
	// PGBin is the folder of PostgreSQL's programs. Defaults to what is found.
	PGBin string
	// PGConns is the most connections of each service.
	PGConns int
	// OpenRegistry registers unknown publishers and event types at first use.
	OpenRegistry bool
	// Limits of an append.
	Limits wire.Limits
	// Version is the binary's, as service discovery shows it.
	Version string
}

// NATSConfig is how a service connects.
type NATSConfig struct {
	URL      string
	Creds    string // a file
	User     string
	Password string
	TLSCA    string // a file
}

// Validate reports every fault at once, each with the name of its environment variable.
func (c *Config) Validate() error {
	var faults []error
	fault := func(name, format string, args ...any) {
		faults = append(faults, fmt.Errorf(name+": "+format, args...))
	}
	if c.PGConns < 4 || c.PGConns > 1000 {
		fault("KAPIVARA_PG_CONNS", "is 4 to 1000, not %d", c.PGConns)
	}
	c.places(fault)
	if c.NATS.Password != "" && c.NATS.User == "" {
		fault("KAPIVARA_NATS_USER", "is empty, but KAPIVARA_NATS_PASSWORD is set")
	}
	most := wire.DefaultLimits()
	for _, l := range [...]struct {
		name             string
		got, least, most int
	}{
		{"KAPIVARA_LIMIT_REQUEST", c.Limits.Request, 1024, most.Request},
		{"KAPIVARA_LIMIT_DATA", c.Limits.Data, 1, most.Data},
		{"KAPIVARA_LIMIT_ATTRIBUTES", c.Limits.Attributes, 0, most.Attributes},
		{"KAPIVARA_LIMIT_EVENTS", c.Limits.Events, 1, most.Events},
		{"KAPIVARA_LIMIT_DEPTH", c.Limits.Depth, 4, 1000},
	} {
		if l.got < l.least || l.got > l.most {
			fault(l.name, "is %d to %d, not %d", l.least, l.most, l.got)
		}
	}
	return errors.Join(faults...)
}

func (c *Config) ownerURL() string {
	if c.PGOwnerURL != "" {
		return c.PGOwnerURL
	}
	return c.PGURL
}
