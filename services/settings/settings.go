// Package settings reads what the services are told by their environment.
package settings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/sethvargo/go-envconfig"

	"kapivara/pkg/app"
	"kapivara/pkg/wire"
)

// environment is what stands in the environment, as it stands there. Every field has its default and a line of help.
type environment struct {
	DataDir            string `env:"KAPIVARA_DATA_DIR, default=./kapivara-data" help:"folder of the private PostgreSQL"`
	NATSListen         string `env:"KAPIVARA_NATS_LISTEN, default=127.0.0.1:4222" help:"address of the NATS server in process; port -1 takes a free one"`
	NATSClientPassword string `env:"KAPIVARA_NATS_CLIENT_PASSWORD" help:"password that clients of the NATS server in process need as user apps; without it the server listens on the loopback alone" secret:"yes"`
	NATSURL            string `env:"KAPIVARA_NATS_URL" help:"a NATS server that runs already, instead of the one in process"`
	NATSCreds          string `env:"KAPIVARA_NATS_CREDS" help:"file of credentials for KAPIVARA_NATS_URL"`
	NATSUser           string `env:"KAPIVARA_NATS_USER" help:"user for KAPIVARA_NATS_URL"`
	NATSPassword       string `env:"KAPIVARA_NATS_PASSWORD" help:"password for KAPIVARA_NATS_URL" secret:"yes"`
	NATSTLSCA          string `env:"KAPIVARA_NATS_TLS_CA" help:"file of the authority that signed the certificate of KAPIVARA_NATS_URL"`
	PGURL              string `env:"KAPIVARA_PG_URL" help:"a PostgreSQL that runs already, instead of a private one" secret:"yes"`
	PGOwnerURL         string `env:"KAPIVARA_PG_OWNER_URL" help:"the same as the owner of the schema, for migrations; defaults to KAPIVARA_PG_URL" secret:"yes"`
	PGBin              string `env:"KAPIVARA_PG_BIN" help:"folder of PostgreSQL's programs for the private one; defaults to what is found or fetched"`
	PGConns            string `env:"KAPIVARA_PG_CONNS, default=16" help:"most connections of each service to PostgreSQL"`
	Registry           string `env:"KAPIVARA_REGISTRY" help:"open: unknown publishers and event types are registered at first use; strict: they are refused. Defaults to open embedded, strict apart"`
	LogLevel           string `env:"KAPIVARA_LOG_LEVEL, default=info" help:"debug, info, warn or error"`
	LogFormat          string `env:"KAPIVARA_LOG_FORMAT, default=text" help:"text or json"`
	LimitRequest       string `env:"KAPIVARA_LIMIT_REQUEST, default=983040" help:"most bytes of an append request"`
	LimitData          string `env:"KAPIVARA_LIMIT_DATA, default=524288" help:"most bytes of an event's data, decoded"`
	LimitAttributes    string `env:"KAPIVARA_LIMIT_ATTRIBUTES, default=16384" help:"most bytes of an event's other attributes together"`
	LimitEvents        string `env:"KAPIVARA_LIMIT_EVENTS, default=1000" help:"most events of a request"`
	LimitDepth         string `env:"KAPIVARA_LIMIT_DEPTH, default=64" help:"deepest nesting of a request's JSON"`
}

// defaultPGConns is the default of KAPIVARA_PG_CONNS.
const defaultPGConns = 16

// Settings are what a service is told.
type Settings struct {
	App      app.Config
	LogLevel slog.Level
	LogJSON  bool
}

// Read reads the environment. embedded tells whether NATS and PostgreSQL may be started in process; else their URLs are
// needed. The error names every wrong variable at once.
func Read(ctx context.Context, embedded bool, version string) (Settings, error) {
	return read(ctx, envconfig.OsLookuper(), embedded, version)
}

func read(ctx context.Context, from envconfig.Lookuper, embedded bool, version string) (Settings, error) {
	var e environment
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &e, Lookuper: from}); err != nil {
		return Settings{}, fmt.Errorf("read the environment: %w", err)
	}
	var faults []error
	// What is no number is reported once: the default stands in for it.
	number := func(name, text string, otherwise int) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %q is no whole number", name, text))
			return otherwise
		}
		return n
	}
	s := Settings{App: app.Config{
		DataDir: e.DataDir, NATSListen: e.NATSListen, NATSClientPassword: e.NATSClientPassword,
		NATS:  app.NATSConfig{URL: e.NATSURL, Creds: e.NATSCreds, User: e.NATSUser, Password: e.NATSPassword, TLSCA: e.NATSTLSCA},
		PGURL: e.PGURL, PGOwnerURL: e.PGOwnerURL, PGBin: e.PGBin, PGConns: number("KAPIVARA_PG_CONNS", e.PGConns, defaultPGConns),
		Version: version,
	}}
	limits, usual := &s.App.Limits, wire.DefaultLimits()
	limits.Request = number("KAPIVARA_LIMIT_REQUEST", e.LimitRequest, usual.Request)
	limits.Data = number("KAPIVARA_LIMIT_DATA", e.LimitData, usual.Data)
	limits.Attributes = number("KAPIVARA_LIMIT_ATTRIBUTES", e.LimitAttributes, usual.Attributes)
	limits.Events = number("KAPIVARA_LIMIT_EVENTS", e.LimitEvents, usual.Events)
	limits.Depth = number("KAPIVARA_LIMIT_DEPTH", e.LimitDepth, usual.Depth)
	faults = append(faults, s.App.Validate())
	faults = append(faults, s.words(&e, embedded))
	return s, errors.Join(faults...)
}

// words reads the variables that take one of a few words, and asks for what a service apart must be told.
func (s *Settings) words(e *environment, embedded bool) error {
	var faults []error
	if err := s.LogLevel.UnmarshalText([]byte(e.LogLevel)); err != nil {
		faults = append(faults, fmt.Errorf("KAPIVARA_LOG_LEVEL: is debug, info, warn or error, not %q", e.LogLevel))
	}
	switch e.LogFormat {
	case "text", "json":
		s.LogJSON = e.LogFormat == "json"
	default:
		faults = append(faults, fmt.Errorf("KAPIVARA_LOG_FORMAT: is text or json, not %q", e.LogFormat))
	}
	switch e.Registry {
	case "":
		s.App.OpenRegistry = embedded
	case "open", "strict":
		s.App.OpenRegistry = e.Registry == "open"
	default:
		faults = append(faults, fmt.Errorf("KAPIVARA_REGISTRY: is open or strict, not %q", e.Registry))
	}
	if !embedded && e.NATSURL == "" {
		faults = append(faults, errors.New("KAPIVARA_NATS_URL: is needed, for instance nats://127.0.0.1:4222"))
	}
	if !embedded && e.PGURL == "" {
		faults = append(faults, errors.New("KAPIVARA_PG_URL: is needed, for instance postgres://kapivara_writer@127.0.0.1/kapivara"))
	}
	return errors.Join(faults...)
}

// Logger writes to stderr.
func (s *Settings) Logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: s.LogLevel}
	if s.LogJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

// Help writes a line for every variable: its name, its default, what it is.
func Help(to io.Writer) {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	t := reflect.TypeFor[environment]()
	for i := range t.NumField() {
		name, value, _ := strings.Cut(t.Field(i).Tag.Get("env"), ", default=")
		fmt.Fprintf(table, "  %s\t%s\t%s\n", name, value, t.Field(i).Tag.Get("help"))
	}
	_ = table.Flush() // a terminal that can't be written to has no reader
}
