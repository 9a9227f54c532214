package cases

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/app"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// same is the outcome of a case that comes out as it says.
const same = "same"

// TestSubscriptionsOfOtherSystems runs each case of the shared file. What it comes to is what the case says, or what
// docs/subscriptions.md says of it; that document is held to the cases too.
func TestSubscriptionsOfOtherSystems(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(kit.Shared(t), "cases", "subscription_cases.a.json"))
	if err != nil {
		t.Skipf("needs the shared cases: %v", err)
	}
	var file struct {
		Cases []struct{ ID, Name string }
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	differences, runs := readDifferences(t), allRuns()
	url := startBus(t)
	for _, c := range file.Cases {
		do, want := runs[c.ID], differences[c.ID]
		delete(runs, c.ID)
		delete(differences, c.ID)
		if want == "" {
			want = same
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			if do == nil {
				t.Fatalf("%s has no run", c.Name)
			}
			if got := do(newRun(t, url, strings.ToLower(c.ID))); got != want {
				t.Errorf("%s: it comes out as %q, want %q", c.Name, got, want)
			}
		})
	}
	for id := range maps.Keys(differences) {
		t.Errorf("%s stands in the document and not among the cases", id)
	}
	for id := range maps.Keys(runs) {
		t.Errorf("%s has a run and does not stand among the cases", id)
	}
}

func allRuns() map[string]func(*run) string {
	all := map[string]func(*run) string{}
	for _, part := range []map[string]func(*run) string{commitRuns(), retryRuns(), ownerRuns(), bucketRuns()} {
		maps.Copy(all, part)
	}
	return all
}

// readDifferences reads the rows "| SUB… | what | others | `outcome` | why |".
func readDifferences(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(kit.Root(t), "docs", "subscriptions.md"))
	if err != nil {
		t.Fatal(err)
	}
	differences := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| (SUB\\d+) \\|[^|]+\\|[^|]+\\| `(\\w+)` \\| [^|]+ \\|$").FindAllStringSubmatch(string(text), -1) {
		differences[m[1]] = m[2]
	}
	if rows := strings.Count(string(text), "\n| SUB"); len(differences) != rows {
		t.Fatalf("%d of %d rows of the document can be read", len(differences), rows)
	}
	return differences
}

// startBus runs all of Kapivara in this process, on a database and a port of its own, and gives the URL of NATS.
func startBus(t *testing.T) string {
	t.Helper()
	return startBusOn(t, kit.Postgres(t))
}

// startBusOn is startBus on a database that the test has as well.
func startBusOn(t *testing.T, pg string) string {
	t.Helper()
	all := app.NewAllInOne(app.Config{
		NATSListen: "127.0.0.1:-1", PGURL: pg, PGConns: 8, OpenRegistry: true,
		Limits: wire.DefaultLimits(), Version: "0.0.1",
	}, kit.Logger(t))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := all.Start(ctx); err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := all.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return all.URL()
}

func newRun(t *testing.T, url, id string) *run {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return &run{t: t, id: id, url: url, nc: nc}
}
