package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/embedded"
	"kapivara/pkg/lifecycle"
	"kapivara/pkg/postgres"
)

// AllInOne is all of Kapivara in this process: NATS and a private PostgreSQL, where none that runs already is named, and
// the three services.
type AllInOne struct {
	config Config
	log    *slog.Logger
	pg     *embedded.Postgres
	nats   *embedded.NATS
	group  *lifecycle.Group
}

// NewAllInOne makes one of the configuration.
func NewAllInOne(config Config, log *slog.Logger) *AllInOne {
	a := &AllInOne{config: config, log: log}
	var parts []lifecycle.Part
	if config.PGURL == "" {
		parts = append(parts, lifecycle.Part{
			Name: "PostgreSQL", Start: a.startPostgres,
			Stop: func(ctx context.Context) error { return a.pg.Stop(ctx) },
			Done: func() <-chan struct{} { return a.pg.Done() },
		})
	}
	if config.NATS.URL == "" {
		parts = append(parts, lifecycle.Part{
			Name: "NATS", Start: a.startNATS,
			Stop: func(ctx context.Context) error { return a.nats.Stop(ctx) },
			Done: func() <-chan struct{} { return a.nats.Done() },
		})
	}
	parts = append(parts, lifecycle.Part{Name: "schema", Start: a.migrate}, a.late(Writer), a.late(Reader), a.late(Dispatcher))
	a.group = lifecycle.New(parts...)
	return a
}

// Start returns when everything serves.
func (a *AllInOne) Start(ctx context.Context) error { return a.group.Start(ctx) }

// Stop answers what was accepted, hands on what is held, and ends everything in reverse.
func (a *AllInOne) Stop(ctx context.Context) error { return a.group.Stop(ctx) }

// Wait returns nil when ctx ends, or the error of the first part that ended by itself, with PostgreSQL's own words.
func (a *AllInOne) Wait(ctx context.Context) error {
	err := a.group.Wait(ctx)
	if err != nil && a.pg != nil {
		if why := a.pg.Err(); why != nil {
			return fmt.Errorf("%w: %w", err, why)
		}
	}
	return err
}

// URL is where clients connect.
func (a *AllInOne) URL() string {
	if a.nats != nil {
		return a.nats.ClientURL()
	}
	return a.config.NATS.URL
}

// PGURL is the connection string of the store as its owner.
func (a *AllInOne) PGURL() string { return a.config.ownerURL() }

func (a *AllInOne) startPostgres(ctx context.Context) (err error) {
	a.pg, err = embedded.StartPostgres(ctx, embedded.PostgresConfig{
		DataDir: a.config.DataDir, PGBin: a.config.PGBin,
		Progress: func(step string) {
			a.log.Info("the private PostgreSQL is being prepared", "service", "postgres", "step", step)
		},
	})
	if err != nil {
		return err
	}
	a.config.PGURL = a.pg.URL(embedded.Owner, embedded.Database)
	return nil
}

func (a *AllInOne) startNATS(context.Context) (err error) {
	a.nats, err = embedded.StartNATS(embedded.NATSConfig{
		Addr: a.config.NATSListen, AppsPassword: a.config.NATSClientPassword, Log: a.log.With("service", "nats"),
	})
	return err
}

func (a *AllInOne) migrate(ctx context.Context) error {
	return postgres.Migrate(ctx, a.config.ownerURL())
}

// bus connects a service: in process where the server is.
func (a *AllInOne) bus(name string) (*nats.Conn, error) {
	if a.nats == nil {
		return Connect(a.config.NATS, name, a.log)
	}
	c := NATSConfig{URL: a.nats.ClientURL(), User: a.nats.User(), Password: a.nats.Password()}
	return Connect(c, name, a.log, nats.InProcessServer(a.nats))
}

// late makes a service's part once the store and NATS are known.
func (a *AllInOne) late(service func(Config, Bus, *slog.Logger) lifecycle.Part) lifecycle.Part {
	var p lifecycle.Part
	name := service(a.config, nil, a.log).Name
	return lifecycle.Part{
		Name: name,
		Start: func(ctx context.Context) error {
			p = service(a.config, a.bus, a.log)
			return p.Start(ctx)
		},
		Stop: func(ctx context.Context) error { return p.Stop(ctx) },
	}
}

// Apart is one service alone, against a NATS server and a PostgreSQL that run already.
func Apart(config Config, service func(Config, Bus, *slog.Logger) lifecycle.Part, log *slog.Logger) (*lifecycle.Group, error) {
	if config.NATS.URL == "" || config.PGURL == "" {
		return nil, errors.New("a service apart needs the URLs of NATS and of PostgreSQL")
	}
	bus := func(name string) (*nats.Conn, error) { return Connect(config.NATS, name, log) }
	return lifecycle.New(service(config, bus, log)), nil
}

// Migrate brings the schema of the store to this binary's, as its owner.
func Migrate(ctx context.Context, config Config) error {
	if config.ownerURL() == "" {
		return fmt.Errorf("KAPIVARA_PG_OWNER_URL: is needed, the store as the owner of its schema")
	}
	return postgres.Migrate(ctx, config.ownerURL())
}
