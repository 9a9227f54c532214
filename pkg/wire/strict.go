package wire

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"kapivara/pkg/kapivara"
)

// strictDepth is the nesting that DecodeStrict allows.
const strictDepth = 64

// DecodeStrict reads a request into a pointer to a struct. It refuses, with the path, an unknown field, a field that
// stands twice, a wrong type and a lone surrogate; and it refuses nesting deeper than 64, anything behind the value and
// what is no UTF-8. Names are compared to the byte. An empty body is {}. A json.RawMessage keeps its bytes and is held
// to the grammar alone. An error is a *kapivara.Error.
func DecodeStrict(body []byte, into any) error {
	if !utf8.Valid(body) {
		return kapivara.Invalid("", "a request is UTF-8, this one is not")
	}
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return nil
	}
	w := strictWalk{scanner: scanner{b: body, most: strictDepth}}
	if w.peek() != '{' {
		if _, err := w.value(); err != nil {
			return err
		}
		return kapivara.Invalid("", "a request is a JSON object")
	}
	t := reflect.TypeOf(into).Elem()
	if err := w.walk(t, ""); err != nil {
		return err
	}
	if err := w.end(); err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return misfit(body, t, err)
	}
	return nil
}

// misfit finds the value that could not be decoded, by decoding each by itself.
func misfit(body []byte, t reflect.Type, err error) error {
	w := strictWalk{scanner: scanner{b: body, most: strictDepth}, decode: true}
	if refusal := w.walk(t, ""); refusal != nil {
		return refusal
	}
	return refuseValue("", err)
}

func refuseValue(path string, err error) error {
	var refusal *kapivara.Error
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &refusal):
		return kapivara.Invalid(path, "%s", refusal.Message)
	case errors.As(err, &wrong):
		return kapivara.Invalid(path, "a %s does not fit here", clip(wrong.Value))
	}
	return kapivara.Invalid(path, "the value does not fit here")
}

// strictWalk goes through the text and the type together, before anything is decoded.
type strictWalk struct {
	scanner
	decode bool // also decode each value that is not walked into
}

func (w *strictWalk) walk(t reflect.Type, path string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if keepsRaw(t) {
		return w.leaf(t, path)
	}
	switch c := w.peek(); {
	case c == '{' && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map):
		return w.walkObject(t, path)
	case c == '[' && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array):
		return w.walkArray(t.Elem(), path)
	}
	return w.leaf(t, path)
}

func (w *strictWalk) leaf(t reflect.Type, path string) error {
	isText := w.peek() == '"'
	raw, err := w.value()
	if err != nil {
		return err
	}
	if isText && t != reflect.TypeFor[json.RawMessage]() && bytes.IndexByte(raw, '\\') >= 0 {
		if _, ok := unescape(raw[1 : len(raw)-1]); !ok {
			return kapivara.Invalid(path, "the string holds a lone surrogate")
		}
	}
	if w.decode {
		if err := json.Unmarshal(raw, reflect.New(t).Interface()); err != nil {
			return refuseValue(path, err)
		}
	}
	return nil
}

func keepsRaw(t reflect.Type) bool {
	if t == reflect.TypeFor[json.RawMessage]() || t.Kind() == reflect.Interface {
		return true
	}
	p := reflect.PointerTo(t)
	return t.Kind() == reflect.Struct &&
		(p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()))
}

func (w *strictWalk) walkObject(t reflect.Type, path string) error {
	if err := w.open('{', "an object"); err != nil {
		return err
	}
	seen := map[string]struct{}{}
	for first := true; ; first = false {
		more, err := w.more('}', first)
		if err != nil || !more {
			return err
		}
		key, err := w.key()
		if err != nil {
			return err
		}
		name := string(key)
		at := joinPath(path, clip(name))
		if _, twice := seen[name]; twice {
			return kapivara.Invalid(at, "the field stands twice")
		}
		seen[name] = struct{}{}
		member, known := memberType(t, name)
		if !known {
			return kapivara.Invalid(at, "unknown field")
		}
		if err := w.walk(member, at); err != nil {
			return err
		}
	}
}

func (w *strictWalk) walkArray(t reflect.Type, path string) error {
	if err := w.open('[', "an array"); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := w.more(']', i == 0)
		if err != nil || !more {
			return err
		}
		if err := w.walk(t, path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// memberType is the type of the field that JSON calls name.
func memberType(t reflect.Type, name string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	for _, f := range reflect.VisibleFields(t) {
		if !f.IsExported() || f.Anonymous {
			continue
		}
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "" {
			tag = f.Name
		}
		if tag == name && tag != "-" {
			return f.Type, true
		}
	}
	return nil, false
}
