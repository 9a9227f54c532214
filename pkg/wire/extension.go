package wire

import (
	"bytes"

	"kapivara/pkg/kapivara"
)

// extensions collects what is common to the attributes of one event.
type extensions struct {
	size  int // in bytes, of all attributes without data
	names [][]byte
	many  map[string]struct{} // instead of names from manyNames on, so that the work stays linear
}

const manyNames = 16

// twice notes the name of an extension and tells whether it was there.
func (x *extensions) twice(name []byte) bool {
	if x.many != nil {
		_, there := x.many[string(name)]
		x.many[string(name)] = struct{}{}
		return there
	}
	for _, n := range x.names {
		if bytes.Equal(n, name) {
			return true
		}
	}
	x.names = append(x.names, name)
	if len(x.names) == manyNames {
		x.many = make(map[string]struct{}, 4*manyNames)
		for _, n := range x.names {
			x.many[string(n)] = struct{}{}
		}
	}
	return false
}

// isExtension tells whether the name may be given to an attribute by CloudEvents: lower-case letters and digits.
func isExtension(name []byte) bool {
	if len(name) == 0 || len(name) > 64 {
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// extension reads an attribute that Kapivara gives no meaning and keeps it as sent.
func (d *decoder) extension(name []byte) error {
	c := d.peek()
	start := d.i
	switch c {
	case '"':
		inside, ok, err := d.decoded()
		if err != nil {
			return err
		}
		if !ok || hasControl(inside) {
			return kapivara.Invalid(d.at(string(name)), "an attribute holds no control characters and no lone surrogate")
		}
	case 't', 'f':
		if _, err := d.boolean(""); err != nil {
			return err
		}
	default:
		raw, err := d.value()
		if err != nil {
			return err
		}
		if n, ok := integer(raw); !ok || n < -1<<31 || n > 1<<31-1 {
			return kapivara.Invalid(d.at(string(name)), "an attribute is a string, a boolean or a 32-bit integer")
		}
	}
	d.keep(name, d.b[start:d.i])
	return nil
}

// content reads datacontenttype or dataschema, which are kept with the extensions.
func (d *decoder) content(name string) error {
	d.peek()
	start := d.i
	if _, err := d.plainText(name); err != nil {
		return err
	}
	d.keep([]byte(name), d.b[start:d.i])
	return nil
}

func (d *decoder) keep(name, raw []byte) {
	if d.attrs == nil {
		d.attrs = make([]byte, 0, 128)
	}
	if n := len(d.attrs); n > d.from {
		d.attrs = append(d.attrs, ',')
	}
	d.attrs = append(d.attrs, '"')
	d.attrs = append(d.attrs, name...)
	d.attrs = append(d.attrs, '"', ':')
	d.attrs = append(d.attrs, raw...)
}

// plainText reads a string that is not empty and holds no control characters.
func (d *decoder) plainText(name string) (string, error) {
	text, err := d.text(name)
	switch {
	case err != nil:
		return "", err
	case text == "":
		return "", kapivara.Invalid(d.at(name), "%s is not empty; leave it out for its default", name)
	case hasControl(text):
		return "", kapivara.Invalid(d.at(name), "%s holds no control characters", name)
	}
	return text, nil
}

// hasControl finds C0, DEL and C1 control characters.
func hasControl[T string | []byte](s T) bool {
	for i := range len(s) {
		c := s[i]
		if c < 0x20 || c == 0x7f {
			return true
		}
		if c == 0xc2 && i+1 < len(s) && s[i+1] < 0xa0 { // U+0080 to U+009F
			return true
		}
	}
	return false
}
