package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTimesAreWrittenAsTheLibraryWould(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{
		{},
		time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(2024, 2, 29, 1, 2, 3, 4005006, time.UTC),
		time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 30, 0, 0, time.FixedZone("", 3600)),
	} {
		if got, want := string(appendTime(nil, at)), `"`+FormatTime(at)+`"`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// FuzzAppendString: encoding/json reads every string back.
func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "ü\u2028\U0001f600<>&", "\xff\xc3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw := appendString(nil, s)
		var got string
		if err := json.Unmarshal(raw, &got); err != nil || !utf8.Valid(raw) {
			t.Fatalf("%q: %s: %v", s, raw, err)
		}
		var want strings.Builder // each byte that is no UTF-8 by itself
		for _, r := range s {
			want.WriteRune(r)
		}
		if got != want.String() {
			t.Fatalf("got %q, want %q", got, want.String())
		}
	})
}
