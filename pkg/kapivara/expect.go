package kapivara

import (
	"encoding/json"
	"strconv"
)

// Expect is what an append expects of its stream. The zero value is "any".
type Expect struct {
	kind    expectKind
	version int
}

type expectKind uint8

const (
	expectAny expectKind = iota
	expectNew
	expectExists
	expectExactly
)

// ExpectAny expects nothing.
func ExpectAny() Expect { return Expect{} }

// ExpectNew expects that no event of the stream is stored.
func ExpectNew() Expect { return Expect{kind: expectNew} }

// ExpectExists expects that at least one event of the stream is stored.
func ExpectExists() Expect { return Expect{kind: expectExists} }

// ExpectVersion expects exactly this version; 0 is a stream that has no event.
func ExpectVersion(version int) Expect { return Expect{kind: expectExactly, version: version} }

// Holds tells whether a stream of this version is what was expected.
func (e Expect) Holds(version int) bool {
	switch e.kind {
	case expectNew:
		return version == 0
	case expectExists:
		return version > 0
	case expectExactly:
		return version == e.version
	default:
		return true
	}
}

// String is "any", "new", "exists" or the version in digits.
func (e Expect) String() string {
	switch e.kind {
	case expectNew:
		return "new"
	case expectExists:
		return "exists"
	case expectExactly:
		return strconv.Itoa(e.version)
	default:
		return "any"
	}
}

// ParseExpect reads one of the words; a version is a number, not a word.
func ParseExpect(word string) (Expect, error) {
	for _, e := range [...]Expect{ExpectAny(), ExpectNew(), ExpectExists()} {
		if word == e.String() {
			return e, nil
		}
	}
	return Expect{}, Invalid("expect", `expect is "any", "new", "exists" or the version as a number, not %q`, clip(word))
}

// MarshalJSON writes a word, or the version as a number.
func (e Expect) MarshalJSON() ([]byte, error) {
	if e.kind == expectExactly {
		return strconv.AppendInt(nil, int64(e.version), 10), nil
	}
	return json.Marshal(e.String())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Expect) UnmarshalJSON(b []byte) error {
	var version int
	if err := json.Unmarshal(b, &version); err == nil {
		if version < 0 || version > MaxPosition {
			return Invalid("expect", "a version is 0 to %d", MaxPosition)
		}
		*e = ExpectVersion(version)
		return nil
	}
	var word string
	if err := json.Unmarshal(b, &word); err != nil {
		return Invalid("expect", `expect is "any", "new", "exists" or the version as a number`)
	}
	parsed, err := ParseExpect(word)
	*e = parsed
	return err
}
