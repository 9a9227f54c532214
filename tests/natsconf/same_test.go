package natsconf_test

import (
	"regexp"
	"slices"
	"testing"

	"kapivara/natsconf"
)

// The server in process and one of its own let the same subjects cross between the accounts.
func TestEmbeddedAndSingleShareTheSameSubjects(t *testing.T) {
	t.Parallel()
	embedded, single := crossings(t, "embedded.conf"), crossings(t, "single.conf")
	if len(single) == 0 || !slices.Equal(embedded, single) {
		t.Errorf("exports and imports: embedded.conf has %q, single.conf %q", embedded, single)
	}
}

var crossing = regexp.MustCompile(`\{ (?:stream|service): .* \}`)

func crossings(t *testing.T, name string) []string {
	t.Helper()
	text, err := natsconf.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return crossing.FindAllString(string(text), -1)
}
