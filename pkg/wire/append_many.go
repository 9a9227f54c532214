package wire

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"

	"kapivara/pkg/kapivara"
)

// DecodeAppendMany reads the request of an append-many as DecodeAppend does that of an append: in one pass, without
// reflection, and within the same limits, of which that of the events holds for all appends together. The refusal of one
// append names it and has its path.
func DecodeAppendMany(body []byte, l Limits) (kapivara.AppendMany, error) {
	body, err := requestBody(body, l)
	if err != nil {
		return kapivara.AppendMany{}, err
	}
	d := decoder{scanner: scanner{b: body, most: l.Depth}, limits: l, index: -1}
	var m kapivara.AppendMany
	if err := d.appendMany(&m); err != nil {
		return kapivara.AppendMany{}, err
	}
	if err := d.end(); err != nil {
		return kapivara.AppendMany{}, err
	}
	return m, m.Check()
}

// requestBody refuses what is too large or no UTF-8; an empty body is {}.
func requestBody(body []byte, l Limits) ([]byte, error) {
	if len(body) > l.Request {
		return nil, kapivara.Oversize("the size of the request in bytes", l.Request, len(body))
	}
	if !utf8.Valid(body) {
		return nil, kapivara.Invalid("", "a request is UTF-8, this one is not")
	}
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return []byte("{}"), nil
	}
	return body, nil
}

func (d *decoder) appendMany(m *kapivara.AppendMany) error {
	return d.object("", "a request is a JSON object", func(name string) (uint8, func() error) {
		switch name {
		case "appends":
			return 1, func() error { return d.appends(m) }
		case "conditions":
			return 2, func() error { return d.conditions(m) }
		}
		return 0, nil
	}, "unknown field; a request has appends and conditions")
}

// object reads an object whose members are known: member gives a bit and the reader of each, 0 for one that is unknown.
// A member that is null is not there. at is the path of the object, "" for the whole request.
func (d *decoder) object(at, what string, member func(name string) (uint8, func() error), unknown string) error {
	if d.peek() != '{' {
		if _, err := d.value(); err != nil {
			return err
		}
		return kapivara.Invalid(at, "%s", what)
	}
	if err := d.open('{', "an object"); err != nil {
		return err
	}
	var seen uint8
	for first := true; ; first = false {
		more, err := d.more('}', first)
		if err != nil || !more {
			return err
		}
		key, err := d.key()
		if err != nil {
			return err
		}
		name := string(key)
		bit, read := member(name)
		if bit == 0 {
			return kapivara.Invalid(joinPath(at, clip(name)), "%s", unknown)
		}
		if seen&bit != 0 {
			return kapivara.Invalid(joinPath(at, name), "the field stands twice")
		}
		seen |= bit
		if d.peek() == 'n' {
			err = d.literal("null")
		} else {
			err = read()
		}
		if err != nil {
			return err
		}
	}
}

func (d *decoder) appends(m *kapivara.AppendMany) error {
	if d.peek() != '[' {
		return d.wrongType("appends", "a list of appends")
	}
	return d.list("the list of appends", func() error {
		i := len(m.Appends)
		if d.peek() != '{' {
			if _, err := d.value(); err != nil {
				return err
			}
			return kapivara.Invalid(element("appends", i), "an append is an object")
		}
		m.Appends = append(m.Appends, kapivara.Append{})
		a := &m.Appends[i]
		err := d.append(a)
		d.before += len(a.Events)
		return kapivara.InAppend(i, err)
	})
}

func (d *decoder) conditions(m *kapivara.AppendMany) error {
	if d.peek() != '[' {
		return d.wrongType("conditions", "a list of conditions")
	}
	return d.list("the list of conditions", func() error {
		if len(m.Conditions) >= kapivara.MaxConditions {
			return kapivara.Oversize("the number of conditions", kapivara.MaxConditions, len(m.Conditions)+1)
		}
		c, err := d.condition(element("conditions", len(m.Conditions)))
		m.Conditions = append(m.Conditions, c)
		return err
	})
}

// element is the path of an element of a list.
func element(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// below puts a path before that of a refusal.
func below(at string, err error) error {
	var refusal *kapivara.Error
	if errors.As(err, &refusal) && refusal.Facts.Path != "" {
		refusal.Facts.Path = joinPath(at, refusal.Facts.Path)
	}
	return err
}

func (d *decoder) condition(at string) (kapivara.Condition, error) {
	var a kapivara.Append
	expected := false
	err := d.object(at, "a condition is an object", func(name string) (uint8, func() error) {
		switch name {
		case "stream":
			return 1, func() error { return below(at, d.stream(&a)) }
		case "expect":
			return 2, func() error { expected = true; return below(at, d.expect(&a)) }
		}
		return 0, nil
	}, "unknown field; a condition has stream and expect")
	switch {
	case err != nil:
	case a.Stream == "":
		err = kapivara.Invalid(at+".stream", "the stream is missing: context/system/type/id")
	case !expected:
		err = kapivara.Invalid(at+".expect", `expect is missing: "new", "exists", "any" or the version as a number`)
	}
	return kapivara.Condition{Stream: a.Stream, Expect: a.Expect}, err
}
