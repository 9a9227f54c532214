package postgres

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/migrate"

	"kapivara/schema"
)

// Advisory locks of Kapivara, in one key space: pg_advisory_lock(lockSpace, …).
const (
	lockSpace   = 0x6b61 // "ka"
	lockMigrate = 1

	// lockSpacePlace is that of the writers that place a subscriber's streams: pg_advisory_xact_lock(lockSpacePlace, subscriber_no).
	lockSpacePlace = 0x6b62
)

// Migrate brings the database to the schema of this binary: the roles, the migrations that are missing, the grants. It
// is run as the owner, forward only, one at a time by an advisory lock; killed at any point it can be run again.
func Migrate(ctx context.Context, ownerURL string) error {
	config, err := pgxpool.ParseConfig(ownerURL)
	if err != nil {
		return fmt.Errorf("migrate: the owner's PostgreSQL URL is malformed")
	}
	config.MaxConns = 4
	config.ConnConfig.RuntimeParams["application_name"] = "kapivara_migrate"
	config.ConnConfig.RuntimeParams["search_path"] = ""
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer pool.Close()
	return pool.AcquireFunc(ctx, func(lock *pgxpool.Conn) error {
		if _, err := lock.Exec(ctx, "select pg_advisory_lock($1, $2)", lockSpace, lockMigrate); err != nil {
			return fmt.Errorf("migrate: lock: %w", translate(err, false))
		}
		defer unlockMigrate(ctx, lock.Conn())
		return migrateLocked(ctx, pool)
	})
}

// unlockMigrate gives the lock back; where that fails the end of the connection does.
func unlockMigrate(ctx context.Context, conn *pgx.Conn) {
	_, _ = conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock($1, $2)", lockSpace, lockMigrate)
}

func migrateLocked(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, schema.Roles); err != nil {
		return fmt.Errorf("migrate: roles: %w", err)
	}
	db := bun.NewDB(stdlib.OpenDBFromPool(pool), pgdialect.New())
	defer func() { _ = db.Close() }()
	migrations, err := discover()
	if err != nil {
		return err
	}
	migrator := migrate.NewMigrator(db, migrations, migrate.WithTableName("kapivara.migrations"),
		migrate.WithLocksTableName("kapivara.migration_locks"), migrate.WithMarkAppliedOnSuccess(true))
	if err := migrator.Init(ctx); err != nil {
		return fmt.Errorf("migrate: table of migrations: %w", err)
	}
	if _, err := migrator.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := pool.Exec(ctx, schema.Grants); err != nil {
		return fmt.Errorf("migrate: grants: %w", err)
	}
	return nil
}

func discover() (*migrate.Migrations, error) {
	files, err := fs.Sub(schema.Migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	migrations := migrate.NewMigrations()
	if err := migrations.Discover(files); err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	return migrations, nil
}
