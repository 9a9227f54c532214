package kapivara

import (
	"strings"
	"unicode/utf8"
)

// Limits of names, in bytes (protocol section 1).
const (
	MaxToken     = 63
	MaxStreamID  = 200
	MaxEventType = 200
	MaxEventID   = 128
	// MaxPosition is the highest position of a stream.
	MaxPosition = 1<<31 - 1
)

// Stream is the whole name of a stream: context/system/type/id, split at the first three slashes.
type Stream string

// ParseStream checks a stream's name.
func ParseStream(s string) (Stream, error) {
	rest := s
	for _, part := range [...]string{"context", "system", "stream type"} {
		token, after, found := strings.Cut(rest, "/")
		if !found {
			return "", Invalid("stream", "a stream is context/system/type/id, %q has too few parts", clip(s))
		}
		if !IsToken(token) {
			return "", Invalid("stream", "the %s %q of a stream is a lower-case token: %s", part, clip(token), tokenForm)
		}
		rest = after
	}
	if err := checkText("stream", "a stream id", rest, MaxStreamID); err != nil {
		return "", err
	}
	return Stream(s), nil
}

// Context is the first part of the name.
func (s Stream) Context() string { return s.part(0) }

// System is the second part of the name.
func (s Stream) System() string { return s.part(1) }

// Type is the third part of the name.
func (s Stream) Type() string { return s.part(2) }

// ID is what follows the third slash; it may hold slashes itself.
func (s Stream) ID() string { return s.part(3) }

func (s Stream) part(n int) string {
	rest := string(s)
	for range n {
		_, rest, _ = strings.Cut(rest, "/")
	}
	if n < 3 {
		rest, _, _ = strings.Cut(rest, "/")
	}
	return rest
}

const tokenForm = "a-z, 0-9, _ and -, at most 63, the first a letter or digit"

// IsToken tells whether s may stand in a subject: [a-z0-9][a-z0-9_-]{0,62}.
func IsToken(s string) bool {
	if s == "" || len(s) > MaxToken || s[0] == '-' || s[0] == '_' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// CheckToken refuses a name that is no token; path is where it stands in the request, what it is called.
func CheckToken(path, what, s string) error {
	if !IsToken(s) {
		return Invalid(path, "%s %q: use %s", what, clip(s), tokenForm)
	}
	return nil
}

// CheckEventType refuses what is no event type: 1 to 200 bytes of UTF-8 without control characters and without *.
func CheckEventType(path, s string) error {
	if err := checkText(path, "an event type", s, MaxEventType); err != nil {
		return err
	}
	if strings.Contains(s, "*") {
		return Invalid(path, "an event type holds no *, %q does", clip(s))
	}
	return nil
}

// EventID is an event's id in the form in which it is compared and returned: a UUID in lower case, any other text as it is.
type EventID string

// ParseEventID checks an id and brings a UUID into its lower-case form.
func ParseEventID(path, s string) (EventID, error) {
	if isUUID(s) {
		return EventID(strings.ToLower(s)), nil
	}
	if err := checkText(path, "an event id", s, MaxEventID); err != nil {
		return "", err
	}
	return EventID(s), nil
}

// IsUUID tells whether the id has the 8-4-4-4-12 form of a UUID.
func (id EventID) IsUUID() bool { return isUUID(string(id)) }

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

func checkText(path, what, s string, most int) error {
	switch {
	case s == "":
		return Invalid(path, "%s has at least 1 byte", what)
	case len(s) > most:
		return Invalid(path, "%s has at most %d bytes, this one has %d", what, most, len(s))
	case !utf8.ValidString(s):
		return Invalid(path, "%s is UTF-8", what)
	case hasControl(s):
		return Invalid(path, "%s holds no control characters, %q does", what, clip(s))
	}
	return nil
}

// hasControl finds C0, DEL and C1 control characters.
func hasControl(s string) bool {
	for _, r := range s {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return true
		}
	}
	return false
}

// clip shortens outside text for a message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
