package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/alecthomas/kong"
)

// serverCommands are the commands that run the services.
func serverCommands() []kong.Option { return nil }

// embedded is what startEmbedded starts: NATS, PostgreSQL and the services in this process.
type embedded struct {
	DataDir string // made where it is missing
	Log     *slog.Logger
}

// startEmbedded starts it on a free port, and gives the URL of NATS and what stops it all.
func startEmbedded(_ context.Context, _ embedded) (url string, stop func(context.Context) error, err error) {
	return "", nil, errors.New("not wired yet")
}
