//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Owner is the superuser of a private PostgreSQL server, Database the database every start makes sure of.
const (
	Owner    = "kapivara_owner"
	Database = "kapivara"
)

// PostgresConfig says where a private PostgreSQL server lives. Only DataDir is required.
type PostgresConfig struct {
	// DataDir is the folder of this server: cluster, lock, log, and the socket where its path is short enough. It is
	// created where it is missing. One process at a time may have it.
	DataDir string
	// PGBin is a folder with initdb and postgres, version 15 or newer. Empty: PATH, the folders in which packages
	// put them, a bundle in CacheDir, and last a bundle fetched by npm.
	PGBin string
	// CacheDir keeps fetched bundles. Defaults to the user's cache folder; for root to /var/cache/kapivara.
	CacheDir string
	// Settings override server settings, for instance {"shared_buffers": "1GB"}.
	Settings map[string]string
	// StopGrace is how long a fast shutdown may take before the server is stopped at once (which loses nothing: the
	// next start replays the log). Whole seconds; defaults to 8 s.
	StopGrace time.Duration
	// Progress hears in one line of each step that may take longer than a moment. It may be nil.
	Progress func(step string)
}

// Postgres is a running private PostgreSQL server. It ends with Stop, and also when this process dies of anything.
type Postgres struct {
	socketDir string
	keeper    *keeper
	logDone   chan struct{}
	stopOnce  sync.Once
	stopping  chan struct{}
}

// StartPostgres starts the server of cfg.DataDir, made anew where there is none, and returns when it takes
// connections and the database kapivara exists. ctx ends the wait, not the server.
func StartPostgres(ctx context.Context, cfg PostgresConfig) (*Postgres, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("private postgres: %w", err)
	}
	pg, err := start(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("private postgres: %w", err)
	}
	return pg, nil
}

func start(ctx context.Context, cfg PostgresConfig) (*Postgres, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o755); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	lock, err := lockFolder(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // the keeper and the server have it then

	who, err := serverUser()
	if err != nil {
		return nil, err
	}
	bin, err := findBinaries(ctx, cfg, who)
	if err != nil {
		return nil, err
	}
	cluster, err := openCluster(ctx, cfg, bin, who, lock)
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	if err := cluster.clearStalePid(); err != nil {
		return nil, err
	}
	socketDir, err := makeSocketDir(cfg.DataDir, who)
	if err != nil {
		return nil, err
	}
	log, err := openLog(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	keeper, err := startKeeper(cfg, bin, cluster, who, socketDir, lock, log)
	if err != nil {
		log.Close()
		return nil, err
	}
	pg := &Postgres{socketDir: socketDir, keeper: keeper, logDone: make(chan struct{}), stopping: make(chan struct{})}
	go func() {
		defer close(pg.logDone)
		keepLogShort(log, keeper.done)
	}()
	if err := pg.awaitReady(ctx, cfg, cluster); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.StopGrace+2*time.Second)
		defer cancel()
		return nil, errors.Join(err, pg.Stop(stopCtx))
	}
	return pg, nil
}

func (pg *Postgres) awaitReady(ctx context.Context, cfg PostgresConfig, c *cluster) error {
	if err := c.awaitReady(ctx, cfg, pg.keeper); err != nil {
		return err
	}
	if err := ensureDatabase(ctx, pg.socketDir); err != nil {
		return fmt.Errorf("database %s: %w", Database, err)
	}
	return nil
}

// URL is the connection string of the server for user and database, as pgx and libpq read it. There is no password:
// who may enter the socket's folder may connect as any user.
func (pg *Postgres) URL(user, database string) string {
	query := url.Values{"host": {pg.socketDir}, "port": {socketPort}, "sslmode": {"disable"}}
	u := url.URL{Scheme: "postgres", User: url.User(user), Path: "/" + database, RawQuery: query.Encode()}
	return u.String()
}

// Done is closed when the server has ended.
func (pg *Postgres) Done() <-chan struct{} { return pg.keeper.done }

// Err says why the server ended by itself. It is nil while the server runs and after Stop.
func (pg *Postgres) Err() error {
	select {
	case <-pg.keeper.done:
	default:
		return nil
	}
	select {
	case <-pg.stopping:
		return nil
	default:
		return fmt.Errorf("private postgres: ended by itself: %w", pg.keeper.failure())
	}
}

// Stop ends the server by a fast shutdown and waits until it is gone. When ctx ends first the server is stopped at
// once, and the next start replays its log. Stopping twice is fine.
func (pg *Postgres) Stop(ctx context.Context) error {
	pg.stopOnce.Do(func() {
		select {
		case <-pg.keeper.done: // it ended by itself, and Err goes on saying so
		default:
			close(pg.stopping)
		}
		pg.keeper.askToStop()
	})
	var err error
	select {
	case <-pg.keeper.done:
	case <-ctx.Done():
		pg.keeper.kill()
		<-pg.keeper.done
		err = fmt.Errorf("private postgres: stopped at once: %w", ctx.Err())
	}
	<-pg.logDone
	removeSocketDir(pg.socketDir)
	return err
}

func (cfg PostgresConfig) withDefaults() (PostgresConfig, error) {
	if cfg.DataDir == "" {
		return cfg, errors.New("data folder: none is set")
	}
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return cfg, fmt.Errorf("data folder: %w", err)
	}
	cfg.DataDir = dir
	if cfg.CacheDir == "" {
		cfg.CacheDir = defaultCacheDir()
	}
	if cfg.StopGrace <= 0 {
		cfg.StopGrace = 8 * time.Second
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	return cfg, nil
}
