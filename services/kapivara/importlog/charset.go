package importlog

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// charset reads the encodings that XES files are met in beside UTF-8.
func charset(name string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "utf8", "us-ascii", "ascii":
		return in, nil
	case "iso-8859-1", "latin1":
		return &latin1{in: bufio.NewReader(in)}, nil
	default:
		return nil, fmt.Errorf("the encoding %q is not known here; convert the file to UTF-8 first", name)
	}
}

// latin1 gives each byte of in as the rune of its number.
type latin1 struct{ in *bufio.Reader }

// Read never splits a rune.
func (l *latin1) Read(p []byte) (int, error) {
	n := 0
	for n+utf8.UTFMax <= len(p) {
		c, err := l.in.ReadByte()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		n += utf8.EncodeRune(p[n:], rune(c))
		if l.in.Buffered() == 0 {
			break
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.ErrShortBuffer
	}
	return n, nil
}
