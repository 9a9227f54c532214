package property

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/porttest"
	"kapivara/pkg/wire"
	"kapivara/pkg/writer"
	"kapivara/tests/kit"
	"kapivara/tests/stores"
)

// versionCase is one case of the shared file.
type versionCase struct {
	ID    string
	Name  string
	Given struct {
		Events  []string
		Deleted string
	}
	Request  versionRequest
	Expected struct {
		Outcome string
		After   *int `json:"events_on_stream_after"`
	}
}

type versionRequest struct {
	Op         string
	Expect     string
	TotalAfter *int `json:"expect_total_after"`
	Events     []string
	Steps      []versionRequest
	Each       *versionRequest
	Writers    int
	Repeat     int
	Stream     string
	TypeLength int `json:"type_length"`
	Parts      [][]any
	Checks     [][2]string
}

// difference is a row of docs/expected-versions.md.
type difference struct {
	outcome string
	after   int
}

func TestExpectedVersionsOfOtherStores(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(kit.Shared(t), "cases", "expected_version_cases.a.json"))
	if err != nil {
		t.Skipf("needs the shared cases: %v", err)
	}
	var file struct{ Cases []versionCase }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	differences := readDifferences(t)
	for name, open := range map[string]func(testing.TB, bool) porttest.AppendStore{"memory": stores.Memory, "postgres": stores.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runVersionCases(t, open(t, true), file.Cases, maps.Clone(differences))
		})
	}
}

// readDifferences reads the rows "| EV… | what | others | `outcome` | events after | why |".
func readDifferences(t *testing.T) map[string]difference {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(kit.Root(t), "docs", "expected-versions.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| (EV\\d+) \\|[^|]+\\|[^|]+\\| `(\\w+)` \\| (\\d+) \\| [^|]+ \\|$")
	differences := map[string]difference{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		after, _ := strconv.Atoi(m[3])
		differences[m[1]] = difference{m[2], after}
	}
	if rows := strings.Count(string(text), "\n| EV"); len(differences) != rows {
		t.Fatalf("%d of %d rows of the document can be read", len(differences), rows)
	}
	return differences
}

func runVersionCases(t *testing.T, store porttest.AppendStore, cases []versionCase, differences map[string]difference) {
	log, lookup := store.Connect(t)
	w := startWriter(t, log, lookup)
	for _, c := range cases {
		r := &versionRun{t: t, c: c, w: w}
		outcome := r.run()
		after := 0
		for _, e := range store.Events(t) {
			if e.Stream == r.stream(c.Request.Stream) {
				after++
			}
		}
		d, differs := differences[c.ID]
		delete(differences, c.ID)
		want := difference{c.Expected.Outcome, after}
		if c.Expected.After != nil {
			want.after = *c.Expected.After
		}
		same := outcome == want.outcome && after == want.after
		switch {
		case differs && (outcome != d.outcome || after != d.after):
			t.Errorf("%s %s: %s with %d events, the document says %+v", c.ID, c.Name, outcome, after, d)
		case differs && same:
			t.Errorf("%s %s comes out as the case says and needs no row", c.ID, c.Name)
		case !differs && !same:
			t.Errorf("%s %s: %s with %d events, want %+v", c.ID, c.Name, outcome, after, want)
		}
	}
	for id := range differences {
		t.Errorf("%s stands in the document and not among the cases", id)
	}
}

// versionRun is one case under way, on streams and ids of its own.
type versionRun struct {
	t *testing.T
	c versionCase
	w *writer.Writer
}

func (r *versionRun) stream(name string) kapivara.Stream {
	return kapivara.Stream("lending/loans/case/" + r.c.ID + name)
}

func (r *versionRun) run() string {
	if given := r.c.Given; len(given.Events) > 0 {
		q := versionRequest{Expect: "no_stream", Events: given.Events}
		if got := r.outcome(r.append(q, "", given.Deleted != "none"), ""); got != "appended" {
			r.t.Fatalf("%s: what is given: %s", r.c.ID, got)
		}
	}
	return r.request(r.c.Request)
}

func (r *versionRun) request(q versionRequest) (outcome string) {
	switch q.Op {
	case "append":
		for range max(1, q.Repeat) {
			outcome = r.outcome(r.append(q, "", false), q.Expect)
		}
	case "append_optimistic":
		q.Expect = "exists"
		outcome = r.outcome(r.append(q, "", false), q.Expect)
	case "append_then_rollback":
		q.Expect = "count:99" // refused: what was sent is gone
		outcome = r.outcome(r.append(q, "", false), q.Expect)
	case "sequence":
		for _, step := range q.Steps {
			outcome = r.request(step)
		}
		if r.c.Expected.Outcome == "last_step_idempotent" && outcome == "idempotent" {
			outcome = "last_step_idempotent"
		}
	case "parallel":
		outcome = r.parallel(q)
	case "multi":
		outcome = r.many(q)
	default:
		r.t.Fatalf("%s: unknown op %q", r.c.ID, q.Op)
	}
	return outcome
}

func (r *versionRun) parallel(q versionRequest) string {
	counts := map[string]int{}
	var answers []<-chan answer
	for i := range q.Writers {
		a, err := r.decode(r.append(*q.Each, fmt.Sprint("-", i), false))
		if err != nil {
			r.t.Fatal(err)
		}
		answers = append(answers, begin(r.w, &a))
	}
	for _, c := range answers {
		counts[outcomeOf(<-c)]++
	}
	words := []string{"", "one", "two", "three", "four"}
	if counts["appended"] == q.Writers {
		return "all_appended"
	}
	return fmt.Sprintf("%s_appended_%s_conflict", words[counts["appended"]], words[counts["conflict"]])
}

// append writes the request as a client would; each id is the case's own.
func (r *versionRun) append(q versionRequest, suffix string, final bool) []byte {
	events := []map[string]any{}
	first := 0
	if at, ok := strings.CutPrefix(q.Expect, "positions:"); ok {
		first, _ = strconv.Atoi(at[:strings.Index(at, "-")])
	}
	for i, id := range q.Events {
		e := map[string]any{"id": r.c.ID + id + suffix, "type": "t" + strings.Repeat("x", max(0, q.TypeLength-1)), "data": id}
		if first > 0 {
			e["position"] = first + i
		}
		if final && i == len(q.Events)-1 {
			e["final"] = true
		}
		events = append(events, e)
	}
	body, err := json.Marshal(map[string]any{"stream": r.stream(q.Stream), "expect": expectOf(r.t, q), "events": events})
	if err != nil {
		r.t.Fatal(err)
	}
	return body
}

func expectOf(t *testing.T, q versionRequest) any {
	count, isCount := strings.CutPrefix(q.Expect, "count:")
	switch {
	case q.TotalAfter != nil:
		return *q.TotalAfter - len(q.Events)
	case isCount:
		n, err := strconv.Atoi(count)
		if err != nil {
			t.Fatal(err)
		}
		return n
	case q.Expect == "no_stream":
		return "new"
	case strings.HasPrefix(q.Expect, "positions:"):
		return "any"
	}
	return q.Expect
}

func (r *versionRun) decode(body []byte) (kapivara.Append, error) {
	a, err := wire.DecodeAppend(body, wire.DefaultLimits())
	if err == nil {
		err = a.Check()
	}
	return a, err
}

// outcome sends the request; a conflict has to tell the numbers.
func (r *versionRun) outcome(body []byte, expect string) string {
	a, err := r.decode(body)
	if err != nil {
		return outcomeOf(answer{nil, err})
	}
	got := send(r.w, &a)
	outcome := outcomeOf(got)
	var refusal *kapivara.Error
	if outcome == "conflict" {
		refusal = got.err.(*kapivara.Error) //nolint:errorlint,forcetypeassert // the writer hands it on as it is
		if f := refusal.Facts; f.Expected == nil || f.Actual == nil || *f.Expected != a.Expect || f.Stream != string(a.Stream) {
			r.t.Errorf("%s: a conflict on %s with the facts %+v", r.c.ID, expect, f)
		}
	}
	return outcome
}

func outcomeOf(got answer) string {
	switch kapivara.CodeOf(got.err) {
	case "":
		if got.err == nil && slices.ContainsFunc(got.Events, func(p kapivara.Placed) bool { return p.Stored }) {
			return "appended"
		}
		if got.err == nil {
			return "idempotent"
		}
	case kapivara.WrongVersion, kapivara.PositionTaken:
		return "conflict"
	case kapivara.EventIDReused:
		return "refused_duplicate_id"
	case kapivara.StreamFinished:
		return "refused_ended"
	case kapivara.InvalidRequest, kapivara.TooLarge:
		return "invalid"
	default:
	}
	return fmt.Sprint("error: ", got.err)
}
