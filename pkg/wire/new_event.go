package wire

import (
	"encoding/base64"
	"errors"

	"kapivara/pkg/kapivara"
)

// newEvent reads an event of an append.
func (d *decoder) newEvent(e *kapivara.NewEvent) error { return d.members(e, nil) }

// members reads an event. What Kapivara sets goes into stored, and is refused where stored is nil.
func (d *decoder) members(e *kapivara.NewEvent, stored *kapivara.Event) error {
	if d.peek() != '{' {
		if _, err := d.value(); err != nil {
			return err
		}
		return kapivara.Invalid(d.event(), "an event is an object")
	}
	if err := d.open('{', "an event"); err != nil {
		return err
	}
	var x extensions
	d.from = len(d.attrs)
	var named, there attribute
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
		a := attributeOf(name)
		if err := d.checkName(a, name, named&a != 0 || a == attrExtension && x.twice(name)); err != nil {
			return err
		}
		named |= a
		if a != attrData && d.peek() == 'n' {
			if err := d.literal("null"); err != nil {
				return err
			}
			continue
		}
		there |= a
		start := d.i
		if err := d.attribute(a, name, e, stored); err != nil {
			return err
		}
		if a&(attrData|attrBinary) == 0 {
			x.size += len(name) + d.i - start
		}
	}
	if x.size > d.limits.Attributes {
		return kapivara.Oversize("the size in bytes of "+d.event()+" without its data", d.limits.Attributes, x.size)
	}
	if d.from < len(d.attrs) {
		e.Attributes = d.attrs[d.from:len(d.attrs):len(d.attrs)]
	}
	return d.required(there)
}

// checkName refuses an attribute that stands twice, and a name that none can have.
func (d *decoder) checkName(a attribute, name []byte, twice bool) error {
	if twice {
		return kapivara.Invalid(d.at(clip(string(name))), "the attribute stands twice in the event")
	}
	if a == attrExtension && !isExtension(name) {
		return kapivara.Invalid(d.at(clip(string(name))),
			"unknown attribute; the name of an extension has lower-case letters and digits, at most 64")
	}
	return nil
}

// required refuses an event that lacks an attribute or has data twice.
func (d *decoder) required(there attribute) error {
	switch {
	case there&attrID == 0:
		return kapivara.Invalid(d.at("id"), "the id of the event is missing")
	case there&attrType == 0:
		return kapivara.Invalid(d.at("type"), "the type of the event is missing")
	case there&attrData != 0 && there&attrBinary != 0:
		return kapivara.Invalid(d.at("data_base64"), "an event has data or data_base64, not both")
	}
	return nil
}

// attribute reads the value of one attribute, which is not null.
func (d *decoder) attribute(a attribute, name []byte, e *kapivara.NewEvent, stored *kapivara.Event) (err error) {
	switch a {
	case attrID:
		var id string
		if id, err = d.text("id"); err == nil {
			e.ID, err = kapivara.ParseEventID("", id)
		}
		return d.located(err, "id")
	case attrType:
		if e.Type, err = d.text("type"); err == nil {
			err = kapivara.CheckEventType("", e.Type)
		}
		return d.located(err, "type")
	case attrData:
		return d.jsonData(e)
	case attrBinary:
		return d.binaryData(e)
	case attrPosition:
		e.Position, err = d.position("position")
		return err
	case attrFinal:
		e.Final, err = d.boolean("final")
		return err
	case attrTime:
		e.Time, err = d.time()
		return err
	case attrSource:
		e.Source, err = d.plainText("source")
		return err
	case attrSpecversion:
		version, err := d.text("specversion")
		if err == nil && version != "1.0" {
			err = kapivara.Invalid(d.at("specversion"), `specversion is "1.0" or left out`)
		}
		return err
	case attrContentType:
		return d.content("datacontenttype")
	case attrSchema:
		return d.content("dataschema")
	case attrExtension:
		return d.extension(name)
	default: // what Kapivara sets
	}
	if stored == nil {
		return kapivara.Invalid(d.at(string(name)), "%s is set by Kapivara; leave it out", name)
	}
	return d.storedAttribute(a, stored)
}

// located sets the path of a refusal that has none.
func (d *decoder) located(err error, name string) error {
	if err == nil {
		return nil
	}
	var refusal *kapivara.Error
	if errors.As(err, &refusal) && refusal.Facts.Path == "" {
		refusal.Facts.Path = d.at(name)
	}
	return err
}

func (d *decoder) position(name string) (int, error) {
	raw, err := d.value()
	if err != nil {
		return 0, err
	}
	n, ok := integer(raw)
	if !ok || n < 1 || n > kapivara.MaxPosition {
		return 0, kapivara.Invalid(d.at(name), "a position is a whole number, 1 to %d", kapivara.MaxPosition)
	}
	return int(n), nil
}

func (d *decoder) jsonData(e *kapivara.NewEvent) (err error) {
	e.Kind = kapivara.JSONData
	if e.Data, err = d.value(); err != nil {
		return err
	}
	return d.checkData(len(e.Data))
}

func (d *decoder) binaryData(e *kapivara.NewEvent) error {
	text, err := d.text("data_base64")
	if err != nil {
		return err
	}
	if err := d.checkData(len(text)/4*3 - 2); err != nil {
		return err
	}
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || hasControl(text) { // the decoder passes over line breaks
		return kapivara.Invalid(d.at("data_base64"), "data_base64 is standard base64 with its padding")
	}
	e.Kind, e.Data = kapivara.BinaryData, data
	return d.checkData(len(data))
}

func (d *decoder) checkData(size int) error {
	if size > d.limits.Data {
		return kapivara.Oversize("the size in bytes of the data of "+d.event(), d.limits.Data, size)
	}
	return nil
}

func (d *decoder) time() (string, error) {
	text, err := d.text("time")
	if err == nil && !isTime(text) {
		err = kapivara.Invalid(d.at("time"), "time is RFC 3339, as in 2026-01-31T09:30:00Z")
	}
	return text, err
}
