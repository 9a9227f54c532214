package importlog

import (
	"regexp"
	"strings"
	"time"
)

// timestamps brings the times of logs into RFC 3339 and keeps their offset and precision.
type timestamps struct {
	layout string
	iso    *regexp.Regexp
}

func newTimestamps(layout string) *timestamps {
	return &timestamps{
		layout: layout,
		iso:    regexp.MustCompile(`^(\d{4})[-/](\d\d)[-/](\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(\.\d+)?)? ?(Z|[+-]\d\d:?\d\d)?$`),
	}
}

// normal gives s as RFC 3339: fractions without trailing zeros, no offset and +00:00 as Z. False where s is no time.
func (t *timestamps) normal(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if t.layout != "" {
		at, err := time.Parse(t.layout, s)
		return at.Format(time.RFC3339Nano), err == nil
	}
	m := t.iso.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	clock, seconds, fraction, zone := m[4], m[5], strings.TrimRight(m[6], "0"), m[7]
	if clock == "" {
		clock = "00:00"
	}
	if seconds == "" {
		seconds = ":00"
	}
	if fraction == "." {
		fraction = ""
	}
	switch {
	case zone == "", zone == "+00:00", zone == "-00:00", zone == "+0000", zone == "-0000":
		zone = "Z"
	case len(zone) == 5:
		zone = zone[:3] + ":" + zone[3:]
	}
	text := m[1] + "-" + m[2] + "-" + m[3] + "T" + clock + seconds + fraction + zone
	_, err := time.Parse(time.RFC3339Nano, text)
	return text, err == nil
}
