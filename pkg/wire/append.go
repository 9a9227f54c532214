package wire

import (
	"strconv"
	"unicode/utf8"

	"kapivara/pkg/kapivara"
)

// DecodeAppend reads the request of an append, in one pass and without reflection, and checks all that can be told from
// the request alone. Data and attributes are parts of the body, which the caller must leave alone from then on. An error
// is a *kapivara.Error: invalid_request with the path of the field, or too_large.
func DecodeAppend(body []byte, l Limits) (kapivara.Append, error) {
	body, err := requestBody(body, l)
	if err != nil {
		return kapivara.Append{}, err
	}
	d := decoder{scanner: scanner{b: body, most: l.Depth}, limits: l, index: -1}
	var a kapivara.Append
	if err := d.append(&a); err != nil {
		return kapivara.Append{}, err
	}
	if err := d.end(); err != nil {
		return kapivara.Append{}, err
	}
	return a, a.Check()
}

// decoder reads the envelope of an append or of an event.
type decoder struct {
	scanner
	limits Limits
	index  int    // of the event in its append, negative where an event stands alone
	before int    // events in the appends before this one
	attrs  []byte // collects the attributes of all events; each event holds a part of it
	from   int    // where the part of the event that is being read begins
}

// at is the path of a field: of the event that is being read, else of the request.
func (d *decoder) at(name string) string {
	if d.index < 0 {
		return name
	}
	return d.event() + "." + name
}

// event is the path of the event that is being read.
func (d *decoder) event() string {
	if d.index < 0 {
		return "the event"
	}
	return "events[" + strconv.Itoa(d.index) + "]"
}

func (d *decoder) append(a *kapivara.Append) error {
	if d.peek() != '{' {
		if _, err := d.value(); err != nil {
			return err
		}
		return kapivara.Invalid("", "a request is a JSON object")
	}
	if err := d.open('{', "the object of the request"); err != nil {
		return err
	}
	var seen uint8
	for first := true; ; first = false {
		more, err := d.more('}', first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		name, err := d.key()
		if err != nil {
			return err
		}
		bit, read := d.member(string(name))
		if bit == 0 {
			return kapivara.Invalid(clip(string(name)), "unknown field; an append has stream, expect, canary and events")
		}
		if seen&bit != 0 {
			return kapivara.Invalid(string(name), "the field stands twice in the request")
		}
		seen |= bit
		if d.peek() == 'n' {
			err = d.literal("null")
		} else {
			err = read(a)
		}
		if err != nil {
			return err
		}
	}
	if a.Stream == "" {
		return kapivara.Invalid("stream", "the stream is missing: context/system/type/id")
	}
	return nil
}

// member gives a bit and the reader of a field of the request.
func (d *decoder) member(name string) (uint8, func(*kapivara.Append) error) {
	switch name {
	case "stream":
		return 1, d.stream
	case "expect":
		return 2, d.expect
	case "canary":
		return 4, d.canary
	case "events":
		return 8, d.events
	}
	return 0, nil
}

func (d *decoder) stream(a *kapivara.Append) error {
	name, err := d.text("stream")
	if err != nil {
		return err
	}
	a.Stream, err = kapivara.ParseStream(name)
	return err
}

func (d *decoder) expect(a *kapivara.Append) error {
	if d.peek() == '"' {
		word, err := d.text("expect")
		if err != nil {
			return err
		}
		a.Expect, err = kapivara.ParseExpect(word)
		return err
	}
	raw, err := d.value()
	if err != nil {
		return err
	}
	n, ok := integer(raw)
	if !ok || n < 0 || n > kapivara.MaxPosition {
		return kapivara.Invalid("expect", `expect is "any", "new", "exists" or the version as a number, 0 to %d`, kapivara.MaxPosition)
	}
	a.Expect = kapivara.ExpectVersion(int(n))
	return nil
}

func (d *decoder) canary(a *kapivara.Append) error {
	v, err := d.boolean("canary")
	a.Canary = &v
	return err
}

func (d *decoder) events(a *kapivara.Append) error {
	if d.peek() != '[' {
		return d.wrongType("events", "a list of events")
	}
	if err := d.open('[', "the list of events"); err != nil {
		return err
	}
	for d.index = 0; ; d.index++ {
		more, err := d.more(']', d.index == 0)
		if err != nil || !more {
			d.index = -1
			return err
		}
		if d.before+d.index >= d.limits.Events {
			return kapivara.Oversize("the number of events", d.limits.Events, d.before+d.index+1)
		}
		start := d.i
		a.Events = append(a.Events, kapivara.NewEvent{})
		if err := d.newEvent(&a.Events[d.index]); err != nil {
			return err
		}
		if d.index == 0 && d.peek() == ',' {
			a.Events = d.room(a.Events[0], d.i-start)
		}
	}
}

// room makes place for as many events as the rest of the request can hold if they are as large as the first.
func (d *decoder) room(first kapivara.NewEvent, size int) []kapivara.NewEvent {
	n := min(2+(len(d.b)-d.i)/size, d.limits.Events-d.before)
	return append(make([]kapivara.NewEvent, 0, n), first)
}

// text reads a string and decodes it.
func (d *decoder) text(name string) (string, error) {
	if d.peek() != '"' {
		return "", d.wrongType(name, "a string")
	}
	inside, ok, err := d.decoded()
	if err == nil && !ok {
		err = kapivara.Invalid(d.at(name), "%s holds a lone surrogate", name)
	}
	return string(inside), err
}

func (d *decoder) boolean(name string) (bool, error) {
	c := d.peek()
	if c != 't' && c != 'f' {
		return false, d.wrongType(name, "true or false")
	}
	if c == 't' {
		return true, d.literal("true")
	}
	return false, d.literal("false")
}

// wrongType refuses the next value; malformed JSON goes before.
func (d *decoder) wrongType(name, want string) error {
	if _, err := d.value(); err != nil {
		return err
	}
	return kapivara.Invalid(d.at(name), "%s is %s", name, want)
}

// clip shortens outside text for a path.
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
