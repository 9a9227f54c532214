package kapivara

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestFilters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		filter Filter
		text   string
		fits   bool
	}{
		{Any(), "", true},
		{Any(), "anything/at all", true},
		{nil, "a", false},
		{Filter{"a"}, "a", true},
		{Filter{"a"}, "ab", false},
		{Filter{"a"}, "A", false},
		{Filter{"a*"}, "a", true},
		{Filter{"a*"}, "a/b.c*", true},
		{Filter{"a*"}, "ba", false},
		{Filter{"application.*"}, "application.submitted", true},
		{Filter{"application.*"}, "application", false},
		{Filter{"x", "y*"}, "yes", true},
		{Filter{"a.b"}, "a-b", false},
	} {
		if got := c.filter.Fits(c.text); got != c.fits {
			t.Errorf("%v fits %q: %v", c.filter, c.text, got)
		}
	}
	if !(Filter{"a", "*"}).All() || (Filter{"a*"}).All() || (Filter{}).All() {
		t.Error("only * fits everything")
	}
	for name, bad := range map[string]Filter{
		"none": {}, "too many": make(Filter, MaxFilter+1), "an empty entry": {"a", ""}, "* in the middle": {"a*b"}, "**": {"a**"},
		"a control character": {"a\n"}, "too long": {strings.Repeat("a", MaxFilterEntry+1)}, "no UTF-8": {"\xff"},
	} {
		if err := bad.Check("types"); code(err) != InvalidRequest {
			t.Errorf("%s: %v, want invalid_request", name, err)
		}
	}
	if err := (Filter{"*", "a.b/c", strings.Repeat("a", MaxFilterEntry-1) + "*"}).Check("types"); err != nil {
		t.Error(err)
	}
}

func TestExpectations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expect Expect
		text   string
		holds  []bool // for the versions 0, 1, 2
	}{
		{Expect{}, `"any"`, []bool{true, true, true}},
		{ExpectAny(), `"any"`, []bool{true, true, true}},
		{ExpectNew(), `"new"`, []bool{true, false, false}},
		{ExpectExists(), `"exists"`, []bool{false, true, true}},
		{ExpectVersion(0), `0`, []bool{true, false, false}},
		{ExpectVersion(2), `2`, []bool{false, false, true}},
		{ExpectVersion(MaxPosition), `2147483647`, []bool{false, false, false}},
	} {
		for version, holds := range c.holds {
			if c.expect.Holds(version) != holds {
				t.Errorf("%s holds for %d: %v", c.expect, version, !holds)
			}
		}
		text, err := json.Marshal(c.expect)
		if err != nil || string(text) != c.text {
			t.Errorf("%s is written %s, %v", c.expect, text, err)
		}
		var back Expect
		if err := json.Unmarshal(text, &back); err != nil || back != c.expect {
			t.Errorf("%s is read as %s, %v", text, back, err)
		}
	}
	for _, bad := range []string{`-1`, `2147483648`, `1.5`, `"New"`, `""`, `"1"`, `true`, `{}`, `[1]`, `9223372036854775808`} {
		var e Expect
		if err := json.Unmarshal([]byte(bad), &e); err == nil {
			t.Errorf("%s is taken for %s", bad, e)
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0s": 0, "0ms": 0, "100ms": 100 * time.Millisecond, "30s": 30 * time.Second, "90s": 90 * time.Second, "2m": 2 * time.Minute,
		"12h": 12 * time.Hour, "007s": 7 * time.Second, "1500ms": 1500 * time.Millisecond,
	} {
		if got, err := ParseDuration("ttl", text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{
		"", "s", "30", "30 s", " 30s", "30s ", "1.5s", "-1s", "+1s", "1m30s", "1d", "1us", "1S", "٣s", "9223372036854775807h", "99999999999999999999s", "30\u0000s",
	} {
		if got, err := ParseDuration("ttl", bad); code(err) != InvalidRequest {
			t.Errorf("%q: %v, %v; want invalid_request", bad, got, err)
		}
	}
	for want, d := range map[string]time.Duration{
		"0s": 0, "1500ms": 1500 * time.Millisecond, "90s": 90 * time.Second, "2m": 2 * time.Minute, "24h": 24 * time.Hour,
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"30s", "1500ms", "0h", "9223372036854775807ms", "-1s", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration("ttl", text)
		if err != nil {
			return
		}
		if again, err := ParseDuration("ttl", FormatDuration(d)); d < 0 || err != nil || again != d {
			t.Errorf("%q is %v, and that written again %v, %v", text, d, again, err)
		}
	})
}
