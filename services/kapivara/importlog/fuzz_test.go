package importlog_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"kapivara/services/kapivara/importlog"
)

// FuzzRead holds that no bytes make a reader fail in any way but by an error, and that what it gives can be appended.
func FuzzRead(f *testing.F) {
	f.Add(0, "{\"case\":\"A\",\"type\":\"b\",\"data\":1}\n")
	f.Add(1, "case;type;time\nA;b;2024-01-01\n")
	f.Add(2, `<log><trace><event><string key="concept:name" value="a"/></event></trace></log>`)
	f.Fuzz(func(t *testing.T, kind int, text string) {
		format := []importlog.Format{importlog.JSONLines, importlog.CSV, importlog.XES}[uint(kind)%3]
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		log, err := importlog.Open(path, importlog.Options{Format: format})
		if err != nil {
			return
		}
		defer func() { _ = log.Close() }()
		for {
			e, err := log.Next()
			if bad := (*importlog.BadRow)(nil); errors.As(err, &bad) {
				continue
			}
			if err != nil {
				return
			}
			if e.Case == "" || e.Type == "" || e.ID == "" || e.Position < 1 || e.Data != nil && !json.Valid(e.Data) {
				t.Fatalf("not fit to be appended: %+v %s", e, e.Data)
			}
		}
	})
}
