package app

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"kapivara/pkg/embedded"
	"kapivara/pkg/postgres"
)

// places reports what is wrong with the files, addresses and servers that are named.
func (c *Config) places(fault func(name, format string, args ...any)) {
	for _, file := range [...]struct{ name, path string }{
		{"KAPIVARA_NATS_CREDS", c.NATS.Creds}, {"KAPIVARA_NATS_TLS_CA", c.NATS.TLSCA},
	} {
		if _, err := os.Stat(file.path); file.path != "" && err != nil {
			fault(file.name, "%q can't be read", file.path)
		}
	}
	if _, err := os.Stat(filepath.Join(c.PGBin, "postgres")); c.PGBin != "" && err != nil {
		fault("KAPIVARA_PG_BIN", "%q holds no program postgres", c.PGBin)
	}
	if info, err := os.Stat(c.DataDir); c.PGURL == "" && err == nil && !info.IsDir() {
		fault("KAPIVARA_DATA_DIR", "%q is no folder", c.DataDir)
	}
	for _, server := range [...]struct{ name, url string }{{"KAPIVARA_PG_URL", c.PGURL}, {"KAPIVARA_PG_OWNER_URL", c.PGOwnerURL}} {
		if err := postgres.CheckURL(server.url); server.url != "" && err != nil {
			fault(server.name, "%v", err)
		}
	}
	if c.NATS.URL == "" {
		if err := (embedded.NATSConfig{Addr: c.NATSListen, AppsPassword: c.NATSClientPassword}).Check(); err != nil {
			fault("KAPIVARA_NATS_LISTEN", "%v", err)
		}
	} else if !natsURLs(c.NATS.URL) {
		fault("KAPIVARA_NATS_URL", "is no list of NATS servers, such as nats://127.0.0.1:4222") // a password may stand there
	}
}

// natsURLs tells whether the text is one URL or several with commas between; the scheme may be left out.
func natsURLs(text string) bool {
	for _, server := range strings.Split(text, ",") {
		server = strings.TrimSpace(server)
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		u, err := url.Parse(server)
		if err != nil || u.Hostname() == "" || strings.Contains(u.Hostname(), ":") && u.Host[0] != '[' {
			return false
		}
	}
	return true
}
