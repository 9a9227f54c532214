package app

import (
	"context"
	"errors"
	"log/slog"

	"kapivara/pkg/jsonschema"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/lifecycle"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/postgres"
	"kapivara/pkg/wire"
	"kapivara/pkg/writer"
)

// Writer is the write service.
func Writer(config Config, bus Bus, log *slog.Logger) lifecycle.Part {
	log = log.With("service", "writer")
	return part("writer", func(ctx context.Context) (*base, error) {
		b, err := openBase(ctx, config, "kapivara-writer", postgres.RoleWriter, bus, log)
		if err != nil {
			return nil, err
		}
		if err := b.startWriter(ctx); err != nil {
			return nil, errors.Join(err, b.stop(ctx))
		}
		return b, nil
	})
}

// writerBytes is how much the writer has in hand: a few batches. What waits longer than for them is better turned away.
const writerBytes = 32 << 20

func (b *base) startWriter(ctx context.Context) error {
	poker := natsbus.NewPoker(b.nc, b.log)
	b.defers(func(context.Context) error { poker.Stop(); return nil })
	watch := natsbus.NewWatch(b.nc, b.log)
	b.defers(func(context.Context) error { watch.Stop(); return nil })

	store := postgres.NewLog(b.pool, b.config.OpenRegistry)
	b.defers(func(context.Context) error { store.Close(); return nil })
	w := writer.New(storeLog{store}, store, jsonschema.NewCache().Check, tell(poker, watch), writer.Config{}, b.log)
	if err := w.Start(ctx); err != nil {
		return err
	}
	b.defers(func(context.Context) error { w.Stop(); return nil })
	registry := b.startRegistry(poker)
	return b.serve(natsbus.Service{
		Name:          "kapivara-writer",
		Description:   "Stores events and keeps the registry",
		InFlightBytes: writerBytes,
		Endpoints: append(natsbus.AppendEndpoints(w, b.config.Limits),
			natsbus.RegistryEndpoints(registry.Publishers, registry.EventTypes, registry.Subscribers)...),
	})
}

// startRegistry gives the registry, and gathers in the background what became due before a subscriber was set.
func (b *base) startRegistry(poker *natsbus.Poker) *writer.Registry {
	store := postgres.NewRegistryStore(b.pool, b.config.OpenRegistry)
	gatherer := writer.NewGatherer(store, func(registry bool) {
		poker.Committed(wire.Committed{Due: true, Registry: registry})
	}, b.log)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		gatherer.Run(ctx)
	}()
	b.defers(func(context.Context) error { cancel(); <-ended; return nil })
	return writer.NewRegistry(store, jsonschema.Check, func(head int64) {
		gatherer.Wake()
		poker.Committed(wire.Committed{Head: head, Due: true, Registry: true})
	})
}

// tell passes on what was stored: a poke for reader and dispatcher, a notice of each event for onlookers.
func tell(poker *natsbus.Poker, watch *natsbus.Watch) func(writer.Notice) {
	return func(n writer.Notice) {
		poker.Committed(wire.Committed{Head: n.Head, Due: n.Due, Registry: n.Registry})
		watch.Events(n.Events)
	}
}

var _ natsbus.Records[string, kapivara.PublisherPatch, kapivara.Publisher] = writer.Publishers{}
