package e2e_test

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kapivara/tests/kit"
)

// arrival is a line of an arrival file: an event, and what the store must make of it.
type arrival struct {
	ID       string          `json:"id"`
	Stream   string          `json:"stream"` // the case
	Type     string          `json:"type"`
	Time     string          `json:"occurred_on"`
	Position int             `json:"position"`
	Final    bool            `json:"final"`
	Data     json.RawMessage `json:"data"`
	Expect   string          `json:"expect"`
}

// expectation is what stands beside an arrival file.
type expectation struct {
	Arrivals int `json:"arrivals"`
	Counts   struct {
		New, Duplicate, Conflict int
	} `json:"counts"`
	StreamsTotal int            `json:"streams_total"`
	Deliverable  int            `json:"streams_deliverable"`
	Missing      map[string]int `json:"missing_positions"`
	Checkpoints  []checkpoint   `json:"checkpoints"`
	Sha256       string         `json:"uncompressed_sha256"`
	OrderSha256  string         `json:"completion_order_sha256"`
}

// checkpoint is where a correct bus stands after some arrivals.
type checkpoint struct {
	Arrivals    int `json:"arrivals"`
	Stored      int `json:"events_stored"`
	Seen        int `json:"streams_seen"`
	Deliverable int `json:"streams_deliverable"`
	Incomplete  int `json:"final_seen_but_incomplete"`
	Open        int `json:"open_without_final"`
}

// arrivalLog is an arrival file with its expectation.
type arrivalLog struct {
	name     string
	prefix   string // of its streams
	arrivals []arrival
	want     expectation
}

func (l *arrivalLog) stream(a *arrival) string { return l.prefix + "/" + a.Stream }

// arrivalFiles are the files to run: KAPIVARA_E2E_ARRIVALS, a list with the system's list separator, or the three of the
// receipt log. The expectation of x.jsonl.gz is x.expect.json beside it.
func arrivalFiles(t *testing.T) []string {
	t.Helper()
	if list := os.Getenv("KAPIVARA_E2E_ARRIVALS"); list != "" {
		return filepath.SplitList(list)
	}
	dir := filepath.Join(kit.Shared(t), "data", "arrivals")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs the arrival orders of the shared test data: %v", err)
	}
	var files []string
	for _, name := range []string{"window", "reverse", "shuffle"} {
		files = append(files, filepath.Join(dir, "receipt."+name+".jsonl.gz"))
	}
	return files
}

func loadArrivals(t *testing.T, file string) *arrivalLog {
	t.Helper()
	base := strings.TrimSuffix(file, ".jsonl.gz")
	log := &arrivalLog{name: filepath.Base(base)}
	system := regexp.MustCompile(`[^a-z0-9_-]+`).ReplaceAllString(strings.ToLower(log.name), "-")
	log.prefix = "e2e/" + strings.Trim(system, "-_") + "/case"
	text, err := os.ReadFile(base + ".expect.json")
	if err != nil {
		t.Fatalf("expectation: %v", err)
	}
	if err := json.Unmarshal(text, &log.want); err != nil {
		t.Fatalf("expectation of %s: %v", log.name, err)
	}
	sum := sha256.New()
	eachLine(t, file, func(line []byte) {
		sum.Write(line)
		sum.Write([]byte{'\n'})
		var a arrival
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		log.arrivals = append(log.arrivals, a)
	})
	if got := hex.EncodeToString(sum.Sum(nil)); got != log.want.Sha256 || len(log.arrivals) != log.want.Arrivals {
		t.Fatalf("%s is not the file of its expectation: %d lines, sha256 %s", file, len(log.arrivals), got)
	}
	return log
}

// eachLine calls f with every line of a gzip file. The line is f's to keep.
func eachLine(t *testing.T, file string, f func(line []byte)) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	plain, err := gzip.NewReader(in)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		f(append([]byte(nil), lines.Bytes()...))
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
