package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/lifecycle"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/postgres"
)

// Dispatcher is the dispatcher. Any number may run: they share the subscribers.
func Dispatcher(config Config, bus Bus, log *slog.Logger) lifecycle.Part {
	log = log.With("service", "dispatcher")
	return part("dispatcher", func(ctx context.Context) (*base, error) {
		b, err := openBase(ctx, config, "kapivara-dispatcher", postgres.RoleDispatcher, bus, log)
		if err != nil {
			return nil, err
		}
		if err := b.startDispatcher(ctx); err != nil {
			return nil, errors.Join(err, b.stop(ctx))
		}
		return b, nil
	})
}

func (b *base) startDispatcher(ctx context.Context) error {
	watch := natsbus.NewWatch(b.nc, b.log)
	b.defers(func(context.Context) error { watch.Stop(); return nil })
	sender := natsbus.NewDispatchSender(b.nc, watch)
	d := dispatcher.New(postgres.NewDispatch(b.pool), sender, dispatcher.Config{Holder: holder(), Connected: b.nc.IsConnected}, b.log)
	server, err := natsbus.ServeDispatcher(sender, d, natsbus.Service{Version: b.config.Version}, b.log)
	if err != nil {
		return err
	}
	if err := d.Start(ctx); err != nil {
		return errors.Join(err, server.Drain(ctx))
	}
	b.defers(func(context.Context) error { d.Stop(); return nil })
	b.defers(server.Drain)
	return nil
}

// holder is the name under which an operator sees who is at work.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "/" + strconv.Itoa(os.Getpid())
}
