package app_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"kapivara/pkg/app"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

func TestAServerThatCannotCarryADeliveryIsRefused(t *testing.T) {
	t.Parallel()
	nats := kit.NATSServer(t, &server.Options{MaxPayload: 1<<20 - 1})
	group, err := app.Apart(app.Config{
		NATS: app.NATSConfig{URL: nats.ClientURL()}, PGURL: kit.Postgres(t), PGConns: 4, Limits: wire.DefaultLimits(), Version: "0.0.0",
	}, app.Dispatcher, kit.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := group.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "max_payload is 1048575") {
		t.Errorf("got %v, want the max_payload named", err)
	}
}
