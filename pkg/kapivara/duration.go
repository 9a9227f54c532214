package kapivara

import (
	"strconv"
	"time"
)

// ParseDuration reads the protocol's durations: digits, then ms, s, m or h.
func ParseDuration(path, s string) (time.Duration, error) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour}[s[i:]]
	n, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil || unit == 0 || n > int64(1<<63-1)/int64(unit) {
		return 0, Invalid(path, "a duration is digits, then ms, s, m or h, as in \"30s\"; not %q", clip(s))
	}
	return time.Duration(n) * unit, nil
}

// FormatDuration writes d, in whole milliseconds, with the largest unit that loses nothing: 90s, 2m, 1500ms.
func FormatDuration(d time.Duration) string {
	for _, u := range [...]struct {
		name string
		unit time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if d != 0 && d%u.unit == 0 {
			return strconv.FormatInt(int64(d/u.unit), 10) + u.name
		}
	}
	if d == 0 {
		return "0s"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}
