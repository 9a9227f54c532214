package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	server "kapivara/pkg/app"
	"kapivara/pkg/wire"
	"kapivara/services/boot"
	"kapivara/services/settings"
)

// serverCommands are the commands that run the services.
func serverCommands() []kong.Option {
	return []kong.Option{
		kong.DynamicCommand("up", "Run all of it in this process: NATS, a private PostgreSQL, the three services.", "Run", &upCommand{}),
		kong.DynamicCommand("migrate", "Make or bring up to date the schema and roles of the store at KAPIVARA_PG_URL.", "Run", &migrateCommand{}),
		kong.DynamicCommand("settings", "List the environment variables that up, migrate and the services read.", "Run", &settingsCommand{}),
	}
}

type upCommand struct{}

// Run serves until SIGINT or SIGTERM. The one line on stdout says that it serves; logs go to stderr.
func (*upCommand) Run(a *session) error {
	s, err := settings.Read(a.ctx, true, boot.Version())
	if err != nil {
		return usage("wrong settings:\n%v", err)
	}
	all := server.NewAllInOne(s.App, s.Logger())
	return boot.Run(a.ctx, all, func() { fmt.Fprintln(a.std.out, "kapivara ready", all.URL()) })
}

type migrateCommand struct{}

// Run migrates as the owner.
func (*migrateCommand) Run(a *session) error {
	s, err := settings.Read(a.ctx, true, boot.Version())
	if err != nil {
		return usage("wrong settings:\n%v", err)
	}
	if err := server.Migrate(a.ctx, s.App); err != nil {
		return err
	}
	fmt.Fprintln(a.std.out, "the schema is up to date")
	return nil
}

type settingsCommand struct{}

// Run lists the settings.
func (*settingsCommand) Run(a *session) error {
	settings.Help(a.std.out)
	return nil
}

// embedded is what startEmbedded starts: NATS, PostgreSQL and the services in this process.
type embedded struct {
	DataDir string // made where it is missing
	Log     *slog.Logger
}

// startEmbedded starts it on a free port, and gives the URL of NATS and what stops it all.
func startEmbedded(ctx context.Context, e embedded) (url string, stop func(context.Context) error, err error) {
	dir, err := filepath.Abs(e.DataDir)
	if err != nil {
		return "", nil, err
	}
	all := server.NewAllInOne(server.Config{
		DataDir: dir, NATSListen: "127.0.0.1:-1", PGBin: os.Getenv("KAPIVARA_PG_BIN"), PGConns: 16, OpenRegistry: true,
		Limits: wire.DefaultLimits(), Version: boot.Version(),
	}, e.Log)
	if err := all.Start(ctx); err != nil {
		return "", nil, err
	}
	return all.URL(), all.Stop, nil
}
