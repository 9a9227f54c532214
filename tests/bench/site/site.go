// Package site is a Kapivara to measure: its three services as processes of their own, with the rights of their roles, on a
// database and a NATS server with the two accounts that users are told to have.
package site

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os/exec"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"kapivara/natsconf"
	"kapivara/pkg/client"
	"kapivara/pkg/embedded"
	"kapivara/pkg/postgres"
	"kapivara/tests/bench/harness"
)

// answerWithin is how long the services may take to answer what sets a cell up.
const answerWithin = time.Minute

// Site is a Kapivara that runs.
type Site struct {
	// NATS is where clients connect, without a password.
	NATS string
	// Postgres is the connection string of the superuser.
	Postgres string
	// Owner is a connection of it, for looking and filling. Not for several goroutines.
	Owner *pgx.Conn
	// Client is the SDK's.
	Client *client.Client

	stage    *harness.Stage
	password string
	services map[string]*harness.Process
}

// Start starts the services of these roles.
func Start(ctx context.Context, s *harness.Stage, roles ...string) (*Site, error) {
	x := &Site{stage: s, password: rand.Text(), services: map[string]*harness.Process{}}
	if err := x.ground(ctx); err != nil {
		return nil, err
	}
	for _, role := range roles {
		if err := x.Service(ctx, role); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// ground starts what the services stand on, and connects.
func (x *Site) ground(ctx context.Context) (err error) {
	if x.Postgres, err = x.stage.Database(ctx); err != nil {
		return err
	}
	if err = postgres.Migrate(ctx, x.Postgres); err != nil {
		return err
	}
	if x.Owner, err = pgx.Connect(ctx, x.Postgres); err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	x.stage.Cleanup(x.Owner.Close)
	text, err := natsconf.Files.ReadFile("embedded.conf")
	if err != nil {
		return err
	}
	x.NATS, err = x.stage.NATSServer(ctx, fmt.Sprintf("SERVICES_PASSWORD: %q\nAPPS_PASSWORD: %q\nno_auth_user: %s\n%s",
		x.password, rand.Text(), embedded.AppsUser, text))
	if err != nil {
		return err
	}
	nc, err := x.Connect()
	if err != nil {
		return err
	}
	x.Client, err = client.New(nc, client.WithTimeout(answerWithin))
	return err
}

// Connect is a connection of the applications' account. It is closed with the site, or before.
func (x *Site) Connect() (*nats.Conn, error) {
	nc, err := nats.Connect(x.NATS, nats.Name("kapivara-bench"))
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	x.stage.Cleanup(func(context.Context) error { nc.Close(); return nil })
	return nc, nil
}

// Service starts the service of a role, and where it runs already stops it first.
func (x *Site) Service(ctx context.Context, role string) error {
	if p := x.services[role]; p != nil {
		if err := p.Stop(ctx); err != nil {
			return err
		}
	}
	path, err := x.stage.Program(ctx, role)
	if err != nil {
		return err
	}
	pg, err := url.Parse(x.Postgres)
	if err != nil {
		return err
	}
	pg.User = url.User("kapivara_" + role)
	cmd := exec.Command(path)
	cmd.Env = harness.CleanEnv("KAPIVARA_NATS_URL="+x.NATS, "KAPIVARA_NATS_USER="+embedded.ServicesUser, "KAPIVARA_NATS_PASSWORD="+x.password,
		"KAPIVARA_PG_URL="+pg.String(), "KAPIVARA_REGISTRY=open", "KAPIVARA_LOG_LEVEL=warn")
	x.services[role], _, err = x.stage.Spawn(ctx, role, cmd)
	return err
}

// Head is the log's head by the store itself: how many events there are.
func (x *Site) Head(ctx context.Context) (int64, error) {
	var head int64
	if err := x.Owner.QueryRow(ctx, "select head from kapivara.log").Scan(&head); err != nil {
		return 0, fmt.Errorf("the log's head: %w", err)
	}
	return head, nil
}

// Exec runs a statement as the superuser.
func (x *Site) Exec(ctx context.Context, sql string, args ...any) error {
	if _, err := x.Owner.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("%s: %w", strconv.Quote(sql[:min(len(sql), 60)]), err)
	}
	return nil
}
