package wire

import (
	"unicode/utf16"
	"unicode/utf8"

	"kapivara/pkg/kapivara"
)

// scanner takes JSON apart without reflection and keeps values as the bytes they are. It holds what it reads to the
// grammar of RFC 8259; the caller has made sure that the whole text is UTF-8. It stops at the first fault.
type scanner struct {
	b     []byte
	i     int
	depth int // of the objects and arrays that are open
	most  int // depth that is allowed
}

func (s *scanner) malformed(what string) error {
	if s.i >= len(s.b) {
		return kapivara.Invalid("", "malformed JSON: it ends too early, %s is missing", what)
	}
	return kapivara.Invalid("", "malformed JSON at byte %d: %s is missing", s.i, what)
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek is the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	if s.i < len(s.b) && s.b[s.i] > ' ' {
		return s.b[s.i]
	}
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// take reads one byte that must come next.
func (s *scanner) take(c byte, what string) error {
	if s.peek() != c {
		return s.malformed(what)
	}
	s.i++
	return nil
}

// open reads the begin of an object or an array.
func (s *scanner) open(c byte, what string) error {
	if err := s.take(c, what); err != nil {
		return err
	}
	s.depth++
	if s.depth > s.most {
		return kapivara.Oversize("the depth of objects and arrays in one another", s.most, s.depth)
	}
	return nil
}

// more tells, behind the begin of an object or array or behind a value, whether another member follows. At the end it
// reads the closing byte.
func (s *scanner) more(closing byte, first bool) (bool, error) {
	switch c := s.peek(); {
	case c == closing:
		s.i++
		s.depth--
		return false, nil
	case first:
		return true, nil
	case c == ',':
		s.i++
		if s.peek() == closing {
			return false, s.malformed("what follows the comma")
		}
		return true, nil
	}
	return false, s.malformed("a comma or the end of the object or array")
}

// key reads a member's name and its colon. The name is decoded and may alias the text.
func (s *scanner) key() ([]byte, error) {
	raw, escaped, err := s.str("the name of a member")
	if err != nil {
		return nil, err
	}
	name := raw[1 : len(raw)-1]
	if escaped {
		decoded, ok := unescape(name)
		if !ok {
			return nil, kapivara.Invalid("", "the name of a member holds a lone surrogate")
		}
		name = decoded
	}
	return name, s.take(':', "the colon behind the name of a member")
}

// decoded reads a string and gives its inside, which may alias the text; false where it holds a lone surrogate.
func (s *scanner) decoded() (inside []byte, ok bool, err error) {
	raw, escaped, err := s.str("a string")
	if err != nil {
		return nil, false, err
	}
	inside, ok = raw[1:len(raw)-1], true
	if escaped {
		inside, ok = unescape(inside)
	}
	return inside, ok, nil
}

// str reads a string and gives it raw, with its quotes, and whether it holds escapes.
func (s *scanner) str(what string) (raw []byte, escaped bool, err error) {
	if s.peek() != '"' {
		return nil, false, s.malformed(what)
	}
	start := s.i
	b, i := s.b, s.i+1
	for i < len(b) {
		c := b[i]
		if c == '"' {
			s.i = i + 1
			return b[start:s.i], escaped, nil
		}
		if c < ' ' {
			s.i = i
			return nil, false, kapivara.Invalid("", "malformed JSON at byte %d: a control character in a string is escaped", i)
		}
		i++
		if c != '\\' {
			continue
		}
		escaped = true
		size := escapeLen(b[i:])
		if size == 0 {
			s.i = i
			return nil, false, kapivara.Invalid("", "malformed JSON at byte %d: no such escape in a string", i)
		}
		i += size
	}
	s.i = len(b)
	return nil, false, s.malformed("the end of a string")
}

// escapeLen is the length of the escape behind a backslash, 0 where it is none.
func escapeLen(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if _, ok := hex4(b[1:]); ok {
			return 5
		}
	}
	return 0
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// unescape decodes the inside of a string that str has read; false where it holds a lone surrogate.
func unescape(b []byte) ([]byte, bool) {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		i++
		if b[i] != 'u' {
			out = append(out, plainEscape(b[i]))
			continue
		}
		r, _ := hex4(b[i+1:])
		i += 4
		if utf16.IsSurrogate(r) {
			if i+2 >= len(b) || b[i+1] != '\\' || b[i+2] != 'u' {
				return nil, false
			}
			low, _ := hex4(b[i+3:])
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return nil, false
			}
			i += 6
		}
		out = utf8.AppendRune(out, r)
	}
	return out, true
}

func plainEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
