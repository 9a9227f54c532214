//go:build !unix

package embedded

import (
	"context"
	"errors"
	"time"
)

// Owner is the superuser of a private PostgreSQL server, Database the database every start makes sure of.
const (
	Owner    = "kapivara_owner"
	Database = "kapivara"
)

// PostgresConfig is as on the other systems; here it starts nothing.
type PostgresConfig struct {
	DataDir, PGBin, CacheDir string
	Settings                 map[string]string
	StopGrace                time.Duration
	Progress                 func(step string)
}

// Postgres never runs here.
type Postgres struct{}

// StartPostgres answers that a private server needs Unix sockets and processes; use a PostgreSQL server of your own.
func StartPostgres(context.Context, PostgresConfig) (*Postgres, error) {
	return nil, errors.New("private postgres: not on this system: set KAPIVARA_PG_URL to a PostgreSQL server")
}

// URL is empty.
func (*Postgres) URL(user, database string) string { return "" }

// Done never closes.
func (*Postgres) Done() <-chan struct{} { return nil }

// Err is nil.
func (*Postgres) Err() error { return nil }

// Stop does nothing.
func (*Postgres) Stop(context.Context) error { return nil }
