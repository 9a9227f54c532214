// Package arch holds the rooms of the project to their walls.
package arch

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// room is what a room may import of ours and from outside; a prefix stands for all below it.
type room struct{ ours, outside []string }

// rooms are the walls of architecture, "Rooms". What is not here may import everything.
func rooms() map[string]room {
	core := "kapivara/pkg/kapivara"
	return map[string]room{
		"pkg/kapivara":   {nil, []string{"github.com/cespare/xxhash/v2"}},
		"pkg/writer":     {[]string{core}, []string{"golang.org/x/sync"}},
		"pkg/reader":     {[]string{core}, []string{"golang.org/x/sync"}},
		"pkg/dispatcher": {[]string{core}, []string{"golang.org/x/sync"}},
		"pkg/wire":       {[]string{core}, nil},
		"pkg/jsonschema": {[]string{core}, []string{"github.com/santhosh-tekuri/jsonschema/v6", "golang.org/x/text"}},
		"pkg/postgres":   {[]string{core, "kapivara/schema"}, []string{"github.com/jackc/pgx/v5", "github.com/uptrace/bun"}},
		"pkg/natsbus":    {[]string{core, "kapivara/pkg/wire"}, []string{"github.com/nats-io/nats.go", "github.com/nats-io/nuid"}},
		"pkg/client":     {[]string{core, "kapivara/pkg/wire"}, []string{"github.com/nats-io/nats.go", "github.com/google/uuid"}},
		"pkg/memory":     {[]string{core}, nil},
		"pkg/lifecycle":  {nil, nil},
		"pkg/embedded":   {[]string{"kapivara/natsconf", "kapivara/pkg/lifecycle"}, []string{"github.com/nats-io/nats-server/v2"}},
		"natsconf":       {nil, nil},
		"schema":         {nil, nil},
		"services/writer": {
			[]string{"kapivara/pkg/app", "kapivara/services/boot"}, nil,
		},
		"services/reader": {
			[]string{"kapivara/pkg/app", "kapivara/services/boot"}, nil,
		},
		"services/dispatcher": {
			[]string{"kapivara/pkg/app", "kapivara/services/boot"}, nil,
		},
	}
}

func TestRoomsImportOnlyWhatTheirWallsAllow(t *testing.T) {
	t.Parallel()
	for name, allowed := range rooms() {
		for _, imported := range imports(t, name) {
			first, _, _ := strings.Cut(imported, "/")
			switch {
			case first == "kapivara":
				if !slices.Contains(allowed.ours, imported) {
					t.Errorf("%s imports %s of ours, it may import %v", name, imported, allowed.ours)
				}
			case strings.Contains(first, "."):
				if !slices.ContainsFunc(allowed.outside, func(prefix string) bool { return strings.HasPrefix(imported+"/", prefix+"/") }) {
					t.Errorf("%s imports %s from outside, it may import %v", name, imported, allowed.outside)
				}
			}
		}
	}
}

// TestTheCoreNeedsNoTechnology looks at all that the core and the use cases need, not at their own imports alone.
func TestTheCoreNeedsNoTechnology(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pkg/kapivara", "pkg/writer", "pkg/reader", "pkg/dispatcher", "pkg/memory"} {
		for _, needed := range list(t, "-deps", name) {
			for _, technology := range []string{"net/http", "database/sql", "github.com/nats-io/", "github.com/jackc/", "github.com/uptrace/"} {
				if strings.HasPrefix(needed, technology) {
					t.Errorf("%s needs %s", name, needed)
				}
			}
		}
	}
}

func imports(t *testing.T, name string) []string {
	t.Helper()
	return list(t, "-f={{range .Imports}}{{println .}}{{end}}", name)
}

func list(t *testing.T, flag, name string) []string {
	t.Helper()
	args := []string{"list", flag, "kapivara/" + name}
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return strings.Fields(string(out))
}
