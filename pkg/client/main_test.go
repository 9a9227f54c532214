package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kapivara/pkg/app"
	"kapivara/pkg/wire"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := whole.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the bus:", err)
		code = max(code, 1)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// bus is all of Kapivara in this process, for the examples.
type bus struct {
	once sync.Once
	dir  string
	all  *app.AllInOne
	err  error
}

var whole bus

// busURL is where the examples connect.
func busURL() string {
	whole.once.Do(func() { whole.err = whole.start() })
	if whole.err != nil {
		return "no bus: " + whole.err.Error()
	}
	return whole.all.URL()
}

func (b *bus) start() (err error) {
	if b.dir, err = os.MkdirTemp("", "kapivara-sdk-test-"); err != nil {
		return err
	}
	all := app.NewAllInOne(app.Config{
		DataDir: b.dir, NATSListen: "127.0.0.1:-1", PGBin: os.Getenv("KAPIVARA_PG_BIN"), PGConns: 8,
		OpenRegistry: true, Limits: wire.DefaultLimits(), Version: "0.0.0",
	}, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := all.Start(ctx); err != nil {
		return err
	}
	b.all = all
	return nil
}

func (b *bus) stop() error {
	if b.all == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(b.all.Stop(ctx), os.RemoveAll(b.dir))
}
