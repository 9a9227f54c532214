package settings

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sethvargo/go-envconfig"
)

func TestDefaultsServeEmbedded(t *testing.T) {
	t.Parallel()
	s, err := read(t.Context(), envconfig.MapLookuper(nil), true, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if s.App.DataDir != "./kapivara-data" || s.App.NATSListen != "127.0.0.1:4222" || !s.App.OpenRegistry || s.App.Limits.Request != 960<<10 {
		t.Errorf("got %+v", s.App)
	}
}

func TestAServiceApartIsStrictAndNeedsItsURLs(t *testing.T) {
	t.Parallel()
	_, err := read(t.Context(), envconfig.MapLookuper(nil), false, "1.2.3")
	for _, name := range []string{"KAPIVARA_NATS_URL", "KAPIVARA_PG_URL"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s named", err, name)
		}
	}
	s, err := read(t.Context(), envconfig.MapLookuper(map[string]string{
		"KAPIVARA_NATS_URL": "nats://127.0.0.1:4222", "KAPIVARA_PG_URL": "postgres://kapivara_writer@127.0.0.1/kapivara",
	}), false, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if s.App.OpenRegistry {
		t.Error("the registry of a service apart is open, want strict")
	}
}

func TestEveryWrongValueIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	wrong := map[string]string{
		"KAPIVARA_PG_CONNS": "many", "KAPIVARA_LIMIT_EVENTS": "few", "KAPIVARA_REGISTRY": "ajar",
		"KAPIVARA_LOG_LEVEL": "loud", "KAPIVARA_LOG_FORMAT": "verse", "KAPIVARA_NATS_LISTEN": "nowhere", "KAPIVARA_PG_BIN": "no/such/folder",
		"KAPIVARA_NATS_CREDS": "no/such/file", "KAPIVARA_DATA_DIR": "settings.go",
	}
	_, err := read(t.Context(), envconfig.MapLookuper(wrong), true, "1.2.3")
	if err == nil {
		t.Fatal("got no error")
	}
	for name, value := range wrong {
		if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), value) {
			t.Errorf("got %v, want %s and its value %q named", err, name, value)
		}
	}
}

func TestURLsAreCheckedAndNotShown(t *testing.T) {
	t.Parallel()
	_, err := read(t.Context(), envconfig.MapLookuper(map[string]string{
		"KAPIVARA_NATS_URL": "nats://u:secret@:::", "KAPIVARA_PG_URL": "postgres://u:secret@h:port/x", "KAPIVARA_PG_OWNER_URL": "secret",
	}), false, "1.2.3")
	if err == nil {
		t.Fatal("got no error")
	}
	for _, name := range []string{"KAPIVARA_NATS_URL:", "KAPIVARA_PG_URL:", "KAPIVARA_PG_OWNER_URL:"} {
		if strings.Count(err.Error(), name) != 1 {
			t.Errorf("got %v, want %s named once", err, name)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Error("a password stands in the error")
	}
	for _, url := range []string{"127.0.0.1:4222", "nats://a:4222, nats://u:p@b:4222", "tls://c", "wss://d:443/path"} {
		_, err := read(t.Context(), envconfig.MapLookuper(map[string]string{"KAPIVARA_NATS_URL": url}), true, "1.2.3")
		if err != nil {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestBeyondTheLoopbackAPasswordIsNeeded(t *testing.T) {
	t.Parallel()
	open := map[string]string{"KAPIVARA_NATS_LISTEN": "0.0.0.0:4222"}
	if _, err := read(t.Context(), envconfig.MapLookuper(open), true, "1.2.3"); err == nil || !strings.Contains(err.Error(), "KAPIVARA_NATS_LISTEN") {
		t.Errorf("got %v, want KAPIVARA_NATS_LISTEN named", err)
	}
	open["KAPIVARA_NATS_CLIENT_PASSWORD"] = "pw"
	if _, err := read(t.Context(), envconfig.MapLookuper(open), true, "1.2.3"); err != nil {
		t.Errorf("with a password: got %v", err)
	}
}

func TestValuesOutOfBoundsAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	wrong := map[string]string{
		"KAPIVARA_PG_CONNS": "1", "KAPIVARA_LIMIT_REQUEST": "99999999", "KAPIVARA_NATS_CREDS": "no/such/file",
		"KAPIVARA_NATS_PASSWORD": "secret",
	}
	_, err := read(t.Context(), envconfig.MapLookuper(wrong), true, "1.2.3")
	if err == nil {
		t.Fatal("got no error")
	}
	for _, name := range []string{"KAPIVARA_PG_CONNS", "KAPIVARA_LIMIT_REQUEST", "KAPIVARA_NATS_CREDS", "KAPIVARA_NATS_USER"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s named", err, name)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Error("the password stands in the error")
	}
}

func TestHelpHasALineForEveryVariable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	Help(&out)
	for line := range strings.Lines(out.String()) {
		if len(strings.Fields(line)) < 3 {
			t.Errorf("the line %q has no help", line)
		}
	}
	if !strings.Contains(out.String(), "KAPIVARA_DATA_DIR") {
		t.Error("KAPIVARA_DATA_DIR is missing")
	}
}
