// Package boot runs one service as a process of its own: it reads the environment, starts, waits for a signal, drains.
package boot

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"kapivara/pkg/app"
	"kapivara/pkg/lifecycle"
	"kapivara/services/settings"
)

// DrainTimeout is how long a stop may take before what is unanswered is left to the clients' retries.
const DrainTimeout = 9 * time.Second

// Version is the binary's: a release's, or 0.0.0 of a build from a checkout.
func Version() string {
	const unreleased = "0.0.0"
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return unreleased
	}
	return info.Main.Version[1:]
}

// Main runs the service until SIGINT or SIGTERM and gives the exit status: 0 after a clean stop, 1 otherwise, 2 for wrong
// settings.
func Main(name string, service func(app.Config, app.Bus, *slog.Logger) lifecycle.Part) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 {
		fmt.Fprintf(os.Stderr, "%s takes no arguments; it reads its environment:\n\n", name)
		settings.Help(os.Stderr)
		return 2
	}
	s, err := settings.Read(ctx, false, Version())
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: wrong settings:\n%v\n", name, err)
		return 2
	}
	log := s.Logger()
	group, err := app.Apart(s.App, service, log)
	if err == nil {
		err = Run(ctx, group, func() { fmt.Println(name, "ready", s.App.NATS.URL) })
	}
	if err != nil {
		log.Error("the service has ended", "err", err)
		return 1
	}
	return 0
}

// Group is what Run runs.
type Group interface {
	Start(ctx context.Context) error
	Wait(ctx context.Context) error
	Stop(ctx context.Context) error
}

// Run starts the group, calls ready, waits until ctx ends or a part ends by itself, and drains.
func Run(ctx context.Context, group Group, ready func()) error {
	if err := group.Start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop before it was ready
		}
		return err
	}
	ready()
	err := group.Wait(ctx)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), DrainTimeout)
	defer cancel()
	if stopErr := group.Stop(drain); err == nil {
		err = stopErr
	}
	return err
}
