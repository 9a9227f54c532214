package wire

import (
	"strings"
	"unicode/utf8"
)

// HeaderValue makes text fit for a header: printable ASCII, every other byte and the percent sign percent-encoded as
// CloudEvents does, and so are spaces at its ends, which headers lose. It has at most most bytes and is never cut
// inside of an encoded character.
func HeaderValue(text string, most int) string {
	if len(text) <= most && plainHeader(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		_, size := utf8.DecodeRuneInString(text[i:])
		plain := size == 1 && plainByte(text[i]) && (text[i] != ' ' || i > 0 && i < len(text)-1)
		if b.Len()+encodedLen(plain, size) > most {
			break
		}
		for _, c := range []byte(text[i : i+size]) {
			if plain {
				b.WriteByte(c)
			} else {
				b.Write([]byte{'%', upperHex(c >> 4), upperHex(c & 15)})
			}
		}
		i += size
	}
	return strings.TrimRight(b.String(), " ") // where it was cut behind a space
}

func encodedLen(plain bool, size int) int {
	if plain {
		return 1
	}
	return 3 * size
}

func plainHeader(s string) bool {
	for i := range len(s) {
		if !plainByte(s[i]) {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

func plainByte(c byte) bool { return c >= ' ' && c < 0x7f && c != '%' }

func upperHex(c byte) byte { return "0123456789ABCDEF"[c] }
