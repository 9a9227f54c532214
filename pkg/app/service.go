package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/lifecycle"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/postgres"
)

// Bus gives a service its connection to NATS, under the name given.
type Bus func(name string) (*nats.Conn, error)

// base is what every service stands on: its connections, and what is to be undone in reverse.
type base struct {
	config Config
	log    *slog.Logger
	nc     *nats.Conn
	pool   *postgres.Pool
	undo   []func(ctx context.Context) error
}

// openBase connects a service to the store, which it waits for, and to NATS.
func openBase(ctx context.Context, config Config, name string, role postgres.Role, bus Bus, log *slog.Logger) (*base, error) {
	b := &base{config: config, log: log}
	pool, err := postgres.Open(ctx, config.PGURL, role, int32(config.PGConns)) //nolint:gosec // validated
	if err != nil {
		return nil, err
	}
	b.pool = pool
	b.defers(func(context.Context) error { pool.Close(); return nil })
	if err := pool.WaitReady(ctx, log); err != nil {
		return nil, errors.Join(err, b.stop(ctx))
	}
	if b.nc, err = bus(name); err != nil {
		return nil, errors.Join(err, b.stop(ctx))
	}
	b.defers(func(context.Context) error { b.nc.Close(); return nil })
	if most := b.nc.MaxPayload(); most < minPayload {
		err := fmt.Errorf("the NATS server's max_payload is %d: replies and deliveries need %d, its default", most, int64(minPayload))
		return nil, errors.Join(err, b.stop(ctx))
	}
	return b, nil
}

// minPayload is what replies and deliveries stay under, with their headers (protocol section 2).
const minPayload = 1 << 20

// defers notes what is to be done at the stop, before all that was noted earlier.
func (b *base) defers(undo func(ctx context.Context) error) { b.undo = append(b.undo, undo) }

// serve answers requests until the stop, which first answers all that were accepted.
func (b *base) serve(s natsbus.Service) error {
	s.Version = b.config.Version
	server, err := natsbus.Serve(b.nc, s, b.log)
	if err != nil {
		return err
	}
	b.defers(server.Drain)
	return nil
}

func (b *base) stop(ctx context.Context) error {
	var faults []error
	for _, undo := range slices.Backward(b.undo) {
		faults = append(faults, undo(ctx))
	}
	b.undo = nil
	return errors.Join(faults...)
}

// part makes a part of what start builds.
func part(name string, start func(ctx context.Context) (*base, error)) lifecycle.Part {
	var b *base
	return lifecycle.Part{
		Name:  name,
		Start: func(ctx context.Context) (err error) { b, err = start(ctx); return err },
		Stop:  func(ctx context.Context) error { return b.stop(ctx) },
	}
}
