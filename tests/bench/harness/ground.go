package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"kapivara/pkg/embedded"
)

// stopWithin is how long anything may take to end before it is killed.
const stopWithin = 20 * time.Second

// Ground is what all cells of a run stand on: a folder, a PostgreSQL server, and the programs of the repository.
type Ground struct {
	// Root is the repository's root, Dir a folder of this run, which goes with it.
	Root, Dir string
	// Quick asks for a short look: small sizes, no warming up. Its figures mean nothing.
	Quick bool

	log      io.Writer
	pg       *embedded.Postgres
	launcher *launcher

	mu       sync.Mutex
	versions map[string]string
	built    bool
	names    int
}

// NewGround makes the folder and starts the PostgreSQL server, with fsync on. What happens is told to log. Close puts
// all of it away.
func NewGround(ctx context.Context, quick bool, log io.Writer) (*Ground, error) {
	g := &Ground{Quick: quick, log: log, versions: map[string]string{}, launcher: newLauncher()}
	var err error
	if g.Root, err = productRoot(ctx); err != nil {
		return nil, err
	}
	if g.Dir, err = os.MkdirTemp("", "kapivara-bench-"); err != nil {
		return nil, fmt.Errorf("folder of the run: %w", err)
	}
	// As root the server runs as another user, who has to get there.
	if err = os.Chmod(g.Dir, 0o755); err == nil { //nolint:gosec // holds nothing secret
		g.pg, err = embedded.StartPostgres(ctx, embedded.PostgresConfig{
			DataDir: filepath.Join(g.Dir, "postgres"), PGBin: os.Getenv("KAPIVARA_PG_BIN"), Progress: func(step string) { g.Say("%s", step) },
			Settings: map[string]string{"max_connections": "400", "shared_buffers": "1GB", "max_wal_size": "8GB"},
		})
	}
	if err == nil {
		err = g.look(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// look notes the server's version, and refuses a server that does not wait for the disk.
func (g *Ground) look(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, g.PostgresURL("postgres"))
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		if err := conn.QueryRow(ctx, "select current_setting($1)", name).Scan(&value); err != nil {
			return fmt.Errorf("ask PostgreSQL for %s: %w", name, err)
		}
		if value != "on" {
			return fmt.Errorf("PostgreSQL has %s = %s: its figures would be of no store", name, value)
		}
	}
	var version string
	if err := conn.QueryRow(ctx, "select current_setting('server_version')").Scan(&version); err != nil {
		return fmt.Errorf("ask PostgreSQL for its version: %w", err)
	}
	g.Version("PostgreSQL", version)
	return nil
}

// Close stops the server and removes the folder.
func (g *Ground) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	var err error
	if g.pg != nil {
		err = g.pg.Stop(ctx)
	}
	g.launcher.close()
	return errors.Join(err, os.RemoveAll(g.Dir))
}

// Say tells whoever waits what goes on.
func (g *Ground) Say(format string, args ...any) {
	fmt.Fprintf(g.log, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

// Version notes with which version of something the figures were taken.
func (g *Ground) Version(of, version string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.versions[of] = version
}

// PostgresURL is the connection string of the superuser for a database of the server.
func (g *Ground) PostgresURL(database string) string { return g.pg.URL(embedded.Owner, database) }

// postmaster is the process that is the parent of all others of the PostgreSQL server.
func (g *Ground) postmaster() (int, error) {
	text, err := os.ReadFile(filepath.Join(g.Dir, "postgres", "pgdata", "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("PostgreSQL's process: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(strings.TrimSpace(first))
}

// Program is the path of a service's program: writer, reader or dispatcher. All are built with the first one that is asked
// for, as their own module has them.
func (g *Ground) Program(ctx context.Context, name string) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	dir := filepath.Join(g.Dir, "bin")
	if !g.built {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), "./services/writer", "./services/reader", "./services/dispatcher")
		cmd.Dir = g.Root
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build the services: %w: %s", err, out)
		}
		g.built = true
	}
	return filepath.Join(dir, name), nil
}

// productRoot is the folder of the module kapivara, wherever the bench was started.
func productRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "kapivara").Output()
	root := strings.TrimSpace(string(out))
	if err != nil || root == "" {
		return "", fmt.Errorf("find the module kapivara, run `go -C tests/bench run .` in its repository: %w", err)
	}
	return root, nil
}
