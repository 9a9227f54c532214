package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The library computes with fractions of whole numbers, so 1e131071 would cost it 54 kB and 1e999999999 its life. A
// number that no schema can tell from an error, since no common type holds it, is refused before.
const (
	maxExponent = 400
	maxDigits   = 400
)

// numberError tells of a number that is too large or too long.
type numberError struct{ at []string }

func (*numberError) Error() string {
	return fmt.Sprintf("a number has at most %d digits and an exponent of at most %d where a schema is registered", maxDigits, maxExponent)
}

// decode reads one JSON value with its numbers as text, nested at most depth deep. Of members of the same name the last
// one counts.
func decode(raw []byte, depth int) (any, error) {
	if tooDeep(raw, depth) {
		return nil, fmt.Errorf("it is nested more than %d deep", depth)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, errors.New("it is no JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON value")
	}
	if err := checkNumbers(v, nil); err != nil {
		return nil, err
	}
	return v, nil
}

// tooDeep counts brackets outside of strings.
func tooDeep(raw []byte, depth int) bool {
	open, text := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			if open++; open > depth {
				return true
			}
		case c == '}' || c == ']':
			open--
		}
	}
	return false
}

func checkNumbers(v any, at []string) error {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if err := checkNumbers(member, append(at, name)); err != nil {
				return err
			}
		}
	case []any:
		for i, item := range v {
			if err := checkNumbers(item, append(at, strconv.Itoa(i))); err != nil {
				return err
			}
		}
	case json.Number:
		if largeNumber(string(v)) {
			return &numberError{at: append([]string(nil), at...)}
		}
	}
	return nil
}

func largeNumber(s string) bool {
	digits, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		digits, exponent = s[:i], s[i+1:]
	}
	if len(digits) > maxDigits {
		return true
	}
	if exponent == "" {
		return false
	}
	n, err := strconv.Atoi(exponent)
	return err != nil || n > maxExponent || n < -maxExponent
}

// count counts values, those within others too.
func count(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			n += count(member)
		}
	case []any:
		for _, item := range v {
			n += count(item)
		}
	}
	return n
}

// choices is the length of the longest list in a schema: that of an enum, as a rule.
func choices(v any) int {
	most := 0
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			most = max(most, choices(member))
		}
	case []any:
		most = len(v)
		for _, item := range v {
			most = max(most, choices(item))
		}
	}
	return most
}
