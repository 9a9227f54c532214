package app_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"kapivara/pkg/app"
	"kapivara/pkg/postgres"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// words keeps what is logged.
type words struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(p)
}

func (w *words) has(s string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Contains(w.buf.String(), s)
}

func TestAServiceWaitsForTheSchemaAndSaysSo(t *testing.T) {
	t.Parallel()
	url := kit.EmptyPostgres(t)
	said := &words{}
	group, err := app.Apart(app.Config{
		NATS: app.NATSConfig{URL: kit.NATS(t)}, PGURL: url, PGConns: 4, Limits: wire.DefaultLimits(), Version: "0.0.0",
	}, app.Reader, slog.New(slog.NewTextHandler(said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan error, 1)
	go func() { started <- group.Start(t.Context()) }()
	kit.Eventually(t, time.Minute, func() error {
		if !said.has("run kapivara migrate") {
			return errors.New("it does not say what it waits for")
		}
		return nil
	})
	select {
	case err := <-started:
		t.Fatalf("the reader started without a schema: %v", err)
	default:
	}
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if err := group.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}
