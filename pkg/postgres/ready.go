package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

const readyPoll = 500 * time.Millisecond

// WaitReady returns once the server answers, keeps what it confirms, and has the schema of this binary or a newer one.
// While it waits it says for what. A server that could lose confirmed writes is an error at once.
func (p *Pool) WaitReady(ctx context.Context, log *slog.Logger) error {
	want, err := newest()
	if err != nil {
		return err
	}
	for said := ""; ; {
		why, err := p.ready(ctx, want)
		if err != nil || why == "" {
			return err
		}
		if why != said {
			log.Warn("waiting for the store", "role", string(p.role), "why", why)
			said = why
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the store: %s: %w", why, context.Cause(ctx))
		case <-time.After(readyPoll):
		}
	}
}

// ready says what to wait for, "" for nothing.
func (p *Pool) ready(ctx context.Context, want string) (why string, err error) {
	conn, err := p.Acquire(ctx)
	if err != nil {
		if state := sqlState(err); state == "22023" || state == "28000" { // set role, log in: no such role
			return "the roles are not there: run kapivara migrate as the owner", nil
		}
		return "PostgreSQL is out of reach", nil
	}
	defer conn.Release()
	if err := checkDurable(ctx, conn.Conn()); err != nil {
		return "", err
	}
	var have string
	err = conn.QueryRow(ctx, "select coalesce(max(name), '') from kapivara.migrations").Scan(&have)
	switch state := sqlState(err); {
	case state == stateUndefined || state == stateNoSchema || state == "42501":
		return "the schema is not there: run kapivara migrate as the owner", nil
	case err != nil:
		return "PostgreSQL is out of reach", nil
	case have < want:
		return fmt.Sprintf("the schema is %q, this binary needs %q: run kapivara migrate as the owner", have, want), nil
	}
	return "", nil
}

// checkDurable refuses a server whose settings let a confirmed write be lost.
func checkDurable(ctx context.Context, conn *pgx.Conn) error {
	for _, s := range [...]struct{ setting, why string }{
		{"fsync", "a power failure would lose or tear confirmed events"},
		{"full_page_writes", "a power failure could tear pages that hold confirmed events"},
		{"synchronous_commit", "an event would be confirmed before it is on disk"},
	} {
		var value string
		if err := conn.QueryRow(ctx, "select current_setting($1)", s.setting).Scan(&value); err != nil {
			return fmt.Errorf("check %s: %w", s.setting, translate(err, false))
		}
		if value == "off" {
			return fmt.Errorf("PostgreSQL runs with %s = off: %s; set it to on and start again", s.setting, s.why)
		}
	}
	return nil
}

// newest is the name of this binary's last migration.
func newest() (string, error) {
	migrations, err := discover()
	if err != nil {
		return "", err
	}
	sorted := migrations.Sorted()
	return sorted[len(sorted)-1].Name, nil
}
