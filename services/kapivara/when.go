package main

import "time"

// when reads a moment: a time, or how long ago it was. "" is none.
func when(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return time.Now().Add(-ago).UTC(), nil
	}
	if t, known := moment(text); known {
		return t, nil
	}
	return time.Time{}, usage("%q is neither a time (2026-01-31T09:30:00Z, 2026-01-31) nor how long ago it was (90s, 2h)", text)
}

// moment reads a time, in the local zone where it names none.
func moment(text string) (t time.Time, known bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
