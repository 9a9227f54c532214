package importlog_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"kapivara/services/kapivara/importlog"
	"kapivara/tests/kit"
)

func readAll(t *testing.T, path string, opts importlog.Options) (events []importlog.Event, bad []*importlog.BadRow) {
	t.Helper()
	log, err := importlog.Open(path, opts)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	for {
		e, err := log.Next()
		if errors.Is(err, io.EOF) {
			return events, bad
		}
		if b := (*importlog.BadRow)(nil); errors.As(err, &b) {
			bad = append(bad, b)
			continue
		}
		if err != nil {
			t.Fatalf("next: %v", err)
		}
		events = append(events, e)
	}
}

// digest is the log digest of the truth files: over every stream's name, length, final type and own digest.
func digest(t *testing.T, events []importlog.Event) (streams int, sum string) {
	t.Helper()
	byCase := map[string][]importlog.Event{}
	for _, e := range events {
		byCase[e.Case] = append(byCase[e.Case], e)
	}
	names := make([]string, 0, len(byCase))
	for name, of := range byCase {
		names = append(names, name)
		sort.Slice(of, func(i, j int) bool { return of[i].Position < of[j].Position })
		for i, e := range of {
			if e.Position != i+1 || e.Final != (i == len(of)-1) {
				t.Fatalf("case %s: event %d of %d has position %d, final %v", name, i+1, len(of), e.Position, e.Final)
			}
		}
	}
	sort.Strings(names)
	whole := sha256.New()
	for _, name := range names {
		one := sha256.New()
		for _, e := range byCase[name] {
			at, err := time.Parse(time.RFC3339Nano, e.Time)
			if err != nil {
				t.Fatalf("time of %s: %v", e.ID, err)
			}
			fmt.Fprintf(one, "%d\t%s\t%d\n", e.Position, e.Type, at.UnixMilli())
		}
		of := byCase[name]
		fmt.Fprintf(whole, "%s\t%d\t%s\t%x\n", name, len(of), of[len(of)-1].Type, one.Sum(nil))
	}
	return len(names), hex.EncodeToString(whole.Sum(nil))
}

func TestRealLogsReadAsTheirTruthSays(t *testing.T) {
	t.Parallel()
	shared := kit.Shared(t)
	for _, c := range []struct {
		truth, file string
		opts        importlog.Options
	}{
		{"running-example", "running-example.jsonl.gz", importlog.Options{}},
		{"roadtraffic100", "roadtraffic100.jsonl.gz", importlog.Options{}},
		{"receipt", "receipt.jsonl.gz", importlog.Options{}},
		{"helpdesk", "helpdesk.jsonl.gz", importlog.Options{}},
		{"bpic2012", "bpic2012.jsonl.gz", importlog.Options{}},
		{"running-example", "original/running-example.xes.gz", importlog.Options{}},
		{"roadtraffic100", "original/roadtraffic100traces.xes.gz", importlog.Options{}},
		{"receipt", "original/08_receipt.xes.gz", importlog.Options{}},
		{"helpdesk", "original/helpdesk.xes.gz", importlog.Options{}},
		{"bpic2012", "original/bpic2012.xes.gz", importlog.Options{Lifecycle: true}},
	} {
		t.Run(strings.ReplaceAll(c.file, "/", "_"), func(t *testing.T) {
			t.Parallel()
			if (slow || testing.Short()) && (c.truth == "bpic2012" || c.truth == "helpdesk") {
				t.Skip("a large log: not with -short or the race detector")
			}
			text, err := os.ReadFile(filepath.Join(shared, "data", "truth", c.truth+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var truth struct {
				Streams int    `json:"streams"`
				Events  int    `json:"events"`
				Digest  string `json:"log_digest"`
			}
			if err := json.Unmarshal(text, &truth); err != nil {
				t.Fatal(err)
			}
			events, bad := readAll(t, filepath.Join(shared, "data", c.file), c.opts)
			streams, sum := digest(t, events)
			if len(bad) > 0 || len(events) != truth.Events || streams != truth.Streams || sum != truth.Digest {
				t.Errorf("got %d events, %d streams, digest %s, bad rows %v; want %d, %d, %s, none",
					len(events), streams, sum, bad, truth.Events, truth.Streams, truth.Digest)
			}
		})
	}
}

func TestXESAndItsJSONLinesGiveTheSameEvents(t *testing.T) {
	t.Parallel()
	shared := kit.Shared(t)
	for _, c := range []struct {
		xes, lines string
		opts       importlog.Options
	}{
		{"running-example.xes.gz", "running-example", importlog.Options{}},
		{"roadtraffic100traces.xes.gz", "roadtraffic100", importlog.Options{}},
		{"08_receipt.xes.gz", "receipt", importlog.Options{}},
		{"helpdesk.xes.gz", "helpdesk", importlog.Options{}},
	} {
		t.Run(c.lines, func(t *testing.T) {
			t.Parallel()
			if (slow || testing.Short()) && c.lines == "helpdesk" {
				t.Skip("a large log: not with -short or the race detector")
			}
			c.opts.Log = c.lines
			got, _ := readAll(t, filepath.Join(shared, "data", "original", c.xes), c.opts)
			want, _ := readAll(t, filepath.Join(shared, "data", c.lines+".jsonl.gz"), importlog.Options{})
			if len(got) != len(want) {
				t.Fatalf("got %d events, want %d", len(got), len(want))
			}
			for i := range got {
				g, w := got[i], want[i]
				g.Row, w.Row = 0, 0
				if fmt.Sprintf("%+v %s", g, g.Data) != fmt.Sprintf("%+v %s", w, w.Data) {
					t.Fatalf("event %d\n got %+v %s\nwant %+v %s", i, g, g.Data, w, w.Data)
				}
			}
		})
	}
}

func TestArrivalFilesKeepTheirOrderAndPositions(t *testing.T) {
	t.Parallel()
	shared := kit.Shared(t)
	events, bad := readAll(t, filepath.Join(shared, "data", "arrivals", "receipt.reverse.jsonl.gz"), importlog.Options{})
	if len(bad) > 0 || len(events) < 8577 {
		t.Fatalf("got %d events and bad rows %v", len(events), bad)
	}
	if e := events[0]; e.Case != "case-11458" || e.Position != 6 || !e.Final || strings.Contains(string(e.Data), "arrival") {
		t.Errorf("first event is %+v %s", e, e.Data)
	}
}
