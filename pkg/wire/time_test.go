package wire

import (
	"testing"
	"time"
)

// FuzzTimeOf: what we take the library takes, and means the same by it.
func FuzzTimeOf(f *testing.F) {
	for _, seed := range []string{
		"2026-01-31T09:30:00Z", "2024-02-29T23:59:59.123456789+23:59", "0000-01-01T00:00:00.1-00:30", "2026-02-29T00:00:00Z",
		"2026-01-31T24:00:00Z", "2026-01-31T09:30:60Z", "2026-01-31t09:30:00z", "2026-01-31T09:30:00", "2026-01-31T09:30:00.Z", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := timeOf(s)
		if ok != isTime(s) {
			t.Fatalf("%q: timeOf says %v, isTime %v", s, ok, isTime(s))
		}
		want, err := time.Parse(time.RFC3339Nano, s)
		if ok && (err != nil || !got.Equal(want)) {
			t.Fatalf("%q: got %v, want %v, %v", s, got, want, err)
		}
	})
}

func TestTimesAreTakenByRFC3339(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"2026-01-31T09:30:00Z": true, "2026-01-31T09:30:00.000001-05:00": true, "2000-02-29T00:00:00Z": true, "2024-02-29T00:00:00Z": true,
		"1900-02-29T00:00:00Z": false, "2026-02-29T00:00:00Z": false, "2026-04-31T00:00:00Z": false, "2026-13-01T00:00:00Z": false,
		"2026-00-01T00:00:00Z": false, "2026-01-00T00:00:00Z": false, "2026-01-31T24:00:00Z": false, "2026-01-31T09:60:00Z": false,
		"2026-01-31T09:30:60Z": false, "2026-01-31 09:30:00Z": false, "2026-01-31T09:30:00": false, "2026-01-31T09:30:00.Z": false,
		"2026-01-31T09:30:00+24:00": false, "2026-01-31T09:30:00+0100": false, "2026-01-31T09:30:00Zx": false, "2026-01-31T9:30:00Z": false,
		"+026-01-31T09:30:00Z": false, "2026-01-31T09:30:00,5Z": false, "": false,
	} {
		if got := isTime(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}
