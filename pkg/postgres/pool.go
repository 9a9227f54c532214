package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Role is the database role whose rights a service has and no more.
type Role string

// The roles of the services; schema/grants.sql says what each may do.
const (
	RoleWriter     Role = "kapivara_writer"
	RoleReader     Role = "kapivara_reader"
	RoleDispatcher Role = "kapivara_dispatcher"
)

// Pool is a service's connections, each under the service's role.
type Pool struct {
	*pgxpool.Pool
	role Role
	bun  *bun.DB
}

const connectTimeout = 3 * time.Second

// CheckURL tells whether the text is a connection string. The error does not show it: a password may stand there.
func CheckURL(text string) error {
	if _, err := pgxpool.ParseConfig(text); err != nil {
		return errors.New("is no connection string of PostgreSQL, such as postgres://user@host:5432/database")
	}
	return nil
}

// Open makes a pool of at most maxConns connections. It does not connect yet; use WaitReady for that.
func Open(ctx context.Context, url string, role Role, maxConns int32) (*Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open pool: the PostgreSQL URL is malformed") // the driver's words would show the password
	}
	config.MaxConns = maxConns
	prepareConn(config.ConnConfig, role)
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return takeRole(ctx, conn, role) }
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	return &Pool{Pool: pool, role: role, bun: bun.NewDB(stdlib.OpenDBFromPool(pool), pgdialect.New())}, nil
}

// Bun is the query builder over the same connections.
func (p *Pool) Bun() *bun.DB { return p.bun }

// Close waits for the connections in use and closes them all.
func (p *Pool) Close() {
	_ = p.bun.Close() // the pool beneath is closed next, whatever this says
	p.Pool.Close()
}

// prepareConn pins what the plans and the time-outs of a service rest on. jit adds tens of milliseconds to every batch.
// Each statement is written to walk indexes and has one plan whatever its parameters: made anew for a few rows, the plan
// takes longer than they do (of the writer's lookup of one stream 0.54 of 0.59 ms, all measured). Left to itself, such a
// plan is made with sequential scans on tables that are still small, and costs 15 % once they have grown.
func prepareConn(config *pgx.ConnConfig, role Role) {
	if config.ConnectTimeout == 0 || config.ConnectTimeout > connectTimeout {
		config.ConnectTimeout = connectTimeout
	}
	config.OnNotice = noteWarning
	params := config.RuntimeParams
	params["application_name"] = string(role)
	params["search_path"] = ""
	params["timezone"] = "UTC"
	params["jit"] = "off"
	params["idle_in_transaction_session_timeout"] = "10s"
	if role == RoleWriter {
		// Who waits for the log's lock gives up on the server's side first: then it is certain that nothing was stored, and
		// no session is left behind that waits on.
		params["lock_timeout"] = "2s"
	}
	params["enable_seqscan"] = "off"
	params["enable_hashjoin"] = "off"
	params["enable_mergejoin"] = "off"
	params["plan_cache_mode"] = "force_generic_plan"
	if role == RoleReader {
		// A bitmap is made of all that fits before the first row is given: behind a limit of 1,000 that took a million rows.
		params["enable_bitmapscan"] = "off"
	}
}

// takeRole gives up every right that is not the service's own, where the login has more.
func takeRole(ctx context.Context, conn *pgx.Conn, role Role) error {
	if role == "" {
		return nil
	}
	var same bool
	if err := conn.QueryRow(ctx, "select current_user = $1", string(role)).Scan(&same); err != nil {
		return fmt.Errorf("take role: %w", err)
	}
	if same {
		return nil
	}
	if _, err := conn.Exec(ctx, "set role "+pgx.Identifier{string(role)}.Sanitize()); err != nil {
		return fmt.Errorf("take role %s: %w", role, err)
	}
	return nil
}
