//go:build unix

package embedded

import (
	"context"
	"strings"
	"testing"
)

func TestNothingFoundNamesTheCommandThatInstalls(t *testing.T) {
	t.Parallel()
	for want, text := range map[int]string{0: "no PostgreSQL 15 or newer was found", 16: "made by PostgreSQL 16"} {
		err := noBinaries(want, nil)
		if !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "Install it: "+installCommand(want)) {
			t.Errorf("for version %d: got %v", want, err)
		}
	}
}

func TestTheNewestInstallationComesFirst(t *testing.T) {
	t.Parallel()
	if a, b := versionIn("/usr/lib/postgresql/9/bin"), versionIn("/usr/lib/postgresql/17/bin"); a >= b {
		t.Errorf("got %d for 9 and %d for 17", a, b)
	}
}

// A start that is given up leaves no server behind, and the folder free.
func TestAnEndedContextGivesUpTheStart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := PostgresConfig{DataDir: openDir(t), Progress: func(string) { cancel() }} // ends while initdb runs
	if _, err := StartPostgres(ctx, cfg); err == nil {
		t.Fatal("got nil, want an error")
	}
	cfg.Progress = nil
	pg, err := StartPostgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := pg.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
