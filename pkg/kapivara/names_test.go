package kapivara

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestStreams(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"a/b/c/d", "lending/loans/application/A-173688", "0_-/1/2/ /x.y z/ü", "a/b/c//", "a/b/c/" + strings.Repeat("é", 100),
		strings.Repeat("a", 63) + "/b/c/d", "a/b/c/*", "a/b/c/\u00a0",
	} {
		s, err := ParseStream(good)
		if err != nil {
			t.Errorf("%q: %v", good, err)
			continue
		}
		if got := s.Context() + "/" + s.System() + "/" + s.Type() + "/" + s.ID(); got != good {
			t.Errorf("%q has the parts of %q", good, got)
		}
	}
	for _, bad := range []string{
		"", "a", "a/b", "a/b/c", "a/b/c/", "/b/c/d", "a//c/d", "A/b/c/d", "a/b.x/c/d", "a/b/c*/d", "_a/b/c/d", "-a/b/c/d", "a b/b/c/d",
		strings.Repeat("a", 64) + "/b/c/d", "a/b/c/" + strings.Repeat("x", 201), "a/b/c/\n", "a/b/c/\x00", "a/b/c/\x7f", "a/b/c/\u0085", "a/b/c/\xff",
	} {
		if s, err := ParseStream(bad); code(err) != InvalidRequest {
			t.Errorf("%q: %q, %v; want invalid_request", bad, s, err)
		}
	}
}

func TestEventTypesAndIDs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		isType bool
		isID   bool
		want   EventID
	}{
		{"application.submitted", true, true, "application.submitted"},
		{"T02 Check confirmation", true, true, "T02 Check confirmation"},
		{"", false, false, ""},
		{"a*", false, true, "a*"},
		{strings.Repeat("x", 128), true, true, EventID(strings.Repeat("x", 128))},
		{strings.Repeat("x", 129), true, false, ""},
		{strings.Repeat("x", 201), false, false, ""},
		{"tab\t", false, false, ""},
		{"\u009f", false, false, ""},
		{"\xc3", false, false, ""},
		{"018F0000-0000-7000-8000-0000000000AB", true, true, "018f0000-0000-7000-8000-0000000000ab"},
		{"018F0000-0000-7000-8000-0000000000AG", true, true, "018F0000-0000-7000-8000-0000000000AG"}, // no UUID: as it is
		{"018F0000+0000-7000-8000-0000000000AB", true, true, "018F0000+0000-7000-8000-0000000000AB"},
	} {
		if err := CheckEventType("type", c.text); (err == nil) != c.isType {
			t.Errorf("type %q: %v", c.text, err)
		}
		id, err := ParseEventID("id", c.text)
		if (err == nil) != c.isID || id != c.want {
			t.Errorf("id %q: %q, %v; want %q", c.text, id, err, c.want)
		}
		if err == nil && id.IsUUID() != (string(c.want) != c.text) {
			t.Errorf("id %q is a UUID: %v", c.text, id.IsUUID())
		}
	}
}

// A refusal quotes what was sent, but never much of it, and never a broken character.
func TestMessagesQuoteLittle(t *testing.T) {
	t.Parallel()
	_, err := ParseStream(strings.Repeat("é", 5000))
	if err == nil || len(err.Error()) > 512 || !utf8.ValidString(err.Error()) {
		t.Errorf("%v", err)
	}
	if got := clip(strings.Repeat("é", 100)); len(got) > 84 || !strings.HasSuffix(got, "é…") {
		t.Errorf("clipped to %q", got)
	}
}

func FuzzParseStream(f *testing.F) {
	for _, seed := range []string{"a/b/c/d", "a/b/c//x", "A/b/c/d", "a/b/c/\x00", "é/b/c/d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseStream(text)
		if err != nil {
			return
		}
		if string(s) != text || !IsToken(s.Context()) || !IsToken(s.System()) || !IsToken(s.Type()) || s.ID() == "" || !utf8.ValidString(text) {
			t.Errorf("%q was taken as %q", text, s)
		}
	})
}

func FuzzParseEventID(f *testing.F) {
	for _, seed := range []string{"a", "018F0000-0000-7000-8000-0000000000AB", "\x00", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseEventID("id", text)
		if err != nil {
			return
		}
		again, err := ParseEventID("id", string(id))
		if err != nil || again != id || len(id) != len(text) {
			t.Errorf("%q is %q, and that %q, %v", text, id, again, err)
		}
	})
}
