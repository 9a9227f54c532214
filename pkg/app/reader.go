package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"kapivara/pkg/lifecycle"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/postgres"
	"kapivara/pkg/reader"
	"kapivara/pkg/wire"
)

// Reader is the read service.
func Reader(config Config, bus Bus, log *slog.Logger) lifecycle.Part {
	log = log.With("service", "reader")
	return part("reader", func(ctx context.Context) (*base, error) {
		b, err := openBase(ctx, config, "kapivara-reader", postgres.RoleReader, bus, log)
		if err != nil {
			return nil, err
		}
		if err := b.startReader(ctx); err != nil {
			return nil, errors.Join(err, b.stop(ctx))
		}
		return b, nil
	})
}

func (b *base) startReader(ctx context.Context) error {
	r := reader.New(postgres.NewReader(b.pool), reader.Config{}, b.log)
	if err := r.Start(ctx); err != nil {
		return err
	}
	b.defers(func(context.Context) error { r.Stop(); return nil })
	pokes, err := natsbus.ListenCommitted(b.nc, func(c wire.Committed) { r.Committed(c.Head) })
	if err != nil {
		return err
	}
	b.defers(func(context.Context) error { return pokes.Unsubscribe() })
	err = b.serve(natsbus.Service{
		Name:        "kapivara-reader",
		Description: "Answers questions about events, streams and deliveries",
		Endpoints:   natsbus.ReadEndpoints(r, r),
		// Pages are up to 1 MiB: what many ask for at once must not all be in memory. The store answers or fails within 3 s.
		Workers: 2 * b.config.PGConns, QueuedFor: time.Second,
	})
	// At the stop the followers that wait are answered first: the service then has nothing to wait for.
	b.defers(func(context.Context) error { r.Stop(); return nil })
	return err
}
