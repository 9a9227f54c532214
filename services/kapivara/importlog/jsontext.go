package importlog

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// object writes a JSON object member by member in the order given; a name given twice keeps its first place and its
// last value.
type object struct {
	names  []string
	values [][]byte
}

func (o *object) set(name string, value []byte) {
	for i, n := range o.names {
		if n == name {
			o.values[i] = value
			return
		}
	}
	o.names = append(o.names, name)
	o.values = append(o.values, value)
}

// take gives the value of a name and removes it; nil where there is none.
func (o *object) take(name string) []byte {
	for i, n := range o.names {
		if n == name {
			value := o.values[i]
			o.names = append(o.names[:i], o.names[i+1:]...)
			o.values = append(o.values[:i], o.values[i+1:]...)
			return value
		}
	}
	return nil
}

// takeText is take for a text; a number or boolean is given as it is written.
func (o *object) takeText(name string) string {
	value := o.take(name)
	if len(value) == 0 || value[0] != '"' {
		return string(value)
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return string(value)
	}
	return text
}

// bytes is the object without white space, nil where it has no member.
func (o *object) bytes() []byte {
	if len(o.names) == 0 {
		return nil
	}
	text := []byte{'{'}
	for i, name := range o.names {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(appendQuoted(text, name), ':')
		text = append(text, o.values[i]...)
	}
	return append(text, '}')
}

func quoted(s string) []byte { return appendQuoted(nil, s) }

// appendQuoted writes s as a JSON string with the fewest escapes; bytes that are no UTF-8 become U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			if c < 0x20 {
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
				continue
			}
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// number writes a float: whole ones without a fraction, large and small ones with an exponent. What JSON has no number
// for is written as a string.
func number(f float64) []byte {
	switch abs := math.Abs(f); {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return quoted(strconv.FormatFloat(f, 'g', -1, 64))
	case f == math.Trunc(f) && abs < 1<<53:
		return strconv.AppendInt(nil, int64(f), 10)
	case abs < 1e-4 || abs >= 1e16:
		return strconv.AppendFloat(nil, f, 'e', -1, 64)
	default:
		return strconv.AppendFloat(nil, f, 'f', -1, 64)
	}
}
