package importlog_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kapivara/services/kapivara/importlog"
)

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shown writes events in short: "case/position type time data", a + after the final one.
func shown(events []importlog.Event) string {
	var lines []string
	for _, e := range events {
		line := fmt.Sprintf("%s/%d %s %s %s", e.Case, e.Position, e.Type, e.Time, e.Data)
		if e.Final {
			line += "+"
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}

func TestLogsAreReadInEveryForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, text string
		opts             importlog.Options
		want             string
		bad              int
	}{
		{
			name: "csv with cases mixed finds the last event of each", file: "a.csv",
			text: "Case ID,Activity,Timestamp,cost\nA,open,2024-01-02 03:04:05.600,1\nB,open,2024-01-02T03:04+01:00,\nA,close,2024/01/03,\"2,5\"\n",
			want: `A/1 open 2024-01-02T03:04:05.6Z {"cost":"1"}` + "\n" + `B/1 open 2024-01-02T03:04:00+01:00 +` + "\n" + `A/2 close 2024-01-03T00:00:00Z {"cost":"2,5"}+`,
		},
		{
			name: "csv with semicolons, a byte order mark, chosen columns and a time layout", file: "b.csv",
			text: "\ufeffnr;what;when;case\n7;x;31.12.2023 10:00;c\n",
			opts: importlog.Options{Case: "nr", Type: "what", Time: "when", TimeLayout: "02.01.2006 15:04"},
			want: `7/1 x 2023-12-31T10:00:00Z {"case":"c"}+`,
		},
		{
			name: "csv rows that are no events are told and left out", file: "c.csv",
			text: "case,activity,time\n,a,2024-01-01\nA,,2024-01-01\nA,a,yesterday\nA,a,2024-01-01,too,many\nA,a,2024-01-01\n",
			want: "A/1 a 2024-01-01T00:00:00Z +", bad: 4,
		},
		{
			name: "json lines without positions are numbered, and what is nothing else is data", file: "d.jsonl",
			text: `{"case":"A","activity":"a","n":1.50}` + "\n\n" + `{"case":"A","activity":"b","time":"2024-01-01T00:00:00.000+02:00"}` + "\n",
			want: `A/1 a  {"n":1.50}` + "\n" + "A/2 b  {\"time\":\"2024-01-01T00:00:00.000+02:00\"}+",
		},
		{
			name: "json lines with positions and no final take the highest position for the last", file: "e.jsonl",
			text: `{"stream":"A","type":"b","position":2}` + "\n" + `{"stream":"A","type":"a","position":1,"data":0}` + "\n",
			want: "A/2 b  +\n" + `A/1 a  0`,
		},
		{
			name: "json lines that are broken are told and left out", file: "f.jsonl",
			text: `{"stream":"A","type":"a","position":1,"final":true,"data":[1, 2]}` + "\n{\n[]\n" + `{"stream":"B","type":"a"}` + "\n{} {}\n",
			want: "A/1 a  [1, 2]+", bad: 4,
		},
		{
			name: "xes in latin 1 with types of every kind", file: "g.xes",
			text: `<?xml version="1.0" encoding="ISO-8859-1"?><log xmlns="http://www.xes-standard.org/"><string key="concept:name" value="x"/>` +
				"<trace><string key=\"concept:name\" value=\"K\xf6ln\"/><int key=\"n\" value=\"7\"/><event><string key=\"concept:name\" value=\"a\"/>" +
				`<date key="time:timestamp" value="2024-01-01T00:00:00.000+01:00"/><float key="f" value="2.0"/><float key="g" value="1e-7"/><boolean key="b" value="True"/>` +
				`<int key="i" value="x"/><list key="l"><string key="deep" value="d"/></list></event></trace><trace/>` +
				`<trace><event><string key="concept:name" value="z"/></event><event/></trace></log>`,
			want: `Köln/1 a 2024-01-01T00:00:00+01:00 {"f":2,"g":1e-07,"b":true,"i":"x","case":{"n":7}}+` + "\n" + `case-2/1 z  +`, bad: 1,
		},
		{
			name: "xes traces of one name are told apart, the lifecycle joins the type", file: "h.xml",
			text: `<log><trace><string key="concept:name" value="A"/><event><string key="concept:name" value="a"/><string key="lifecycle:transition" value="start"/></event></trace>` +
				`<trace><string key="concept:name" value="A"/><event><string key="concept:name" value="b&quot;"/><string key="q" value="&lt;&quot;&#10;"/></event></trace></log>`,
			opts: importlog.Options{Lifecycle: true},
			want: "A/1 a/start  +\n" + `A#2/1 b"  {"q":"<\"\n"}+`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := file(t, c.file, c.text)
			events, bad := readAll(t, path, c.opts)
			if got := shown(events); got != c.want || len(bad) != c.bad {
				t.Errorf("got\n%s\nbad %v\nwant\n%s\nbad %d", got, bad, c.want, c.bad)
			}
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			if _, err := w.Write([]byte(c.text)); err != nil || w.Close() != nil {
				t.Fatal("pack")
			}
			again, _ := readAll(t, file(t, c.file+".gz", packed.String()), c.opts)
			if shown(again) != c.want {
				t.Errorf("gzip gives\n%s", shown(again))
			}
			for i := range again {
				if again[i].ID != events[i].ID || again[i].ID == "" {
					t.Errorf("the id of event %d is %q at one reading and %q at the other", i, events[i].ID, again[i].ID)
				}
			}
		})
	}
}

func TestLogsThatCannotBeReadSayWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, text, want string }{
		{"empty", "a.csv", "", "is empty"},
		{"no case column", "a.csv", "x,activity\n1,2\n", "--case names it; the log has x, activity"},
		{"no type member", "a.jsonl", `{"case":"1"}`, "--type names it"},
		{"cut xes", "a.xes", "<log><trace><event>", "unexpected EOF"},
		{"unknown encoding", "a.xes", `<?xml version="1.0" encoding="ebcdic"?><log/>`, "convert the file to UTF-8"},
		{"no gzip", "a.csv", "\x1f\x8bxxxxxxxxxxxxxxx", "gzip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log, err := importlog.Open(file(t, c.file, c.text), importlog.Options{})
			if err == nil {
				_, err = log.Next()
				_ = log.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
