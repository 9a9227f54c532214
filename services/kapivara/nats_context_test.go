package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNATSContextsAreReadAndFlagsGoBefore(t *testing.T) {
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	dir := filepath.Join(config, "nats", "context")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		filepath.Join(dir, "prod.json"):              `{"url":"nats://prod:4222","user":"u","password":"p","ca":"/ca","inbox_prefix":"_INBOX_x"}`,
		filepath.Join(dir, "test.json"):              `{"url":"nats://test:4222","creds":"/test.creds"}`,
		filepath.Join(dir, "nsc.json"):               `{"nsc":"nsc://a/b/c"}`,
		filepath.Join(config, "nats", "context.txt"): "test\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		flags connection
		want  natsSettings
	}{
		{"the selected one", connection{}, natsSettings{URL: "nats://test:4222", Creds: "/test.creds"}},
		{"the named one", connection{Context: "prod"}, natsSettings{URL: "nats://prod:4222", User: "u", Password: "p", CA: "/ca", InboxPrefix: "_INBOX_x"}},
		{"a server without a context", connection{Server: "nats://here:1"}, natsSettings{URL: "nats://here:1"}},
		{"a named one at another server, as another user", connection{Context: "prod", Server: "nats://here:1", Creds: "/c"}, natsSettings{URL: "nats://here:1", Creds: "/c", CA: "/ca", InboxPrefix: "_INBOX_x"}},
	} {
		got, err := natsContext(c.flags)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	for _, name := range []string{"none", "../context/prod", "nsc"} {
		if _, err := natsContext(connection{Context: name}); err == nil {
			t.Errorf("the context %q is taken", name)
		}
	}
}
