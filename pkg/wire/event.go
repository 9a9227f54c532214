package wire

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"

	"kapivara/pkg/kapivara"
)

// The data content types that hold where an event names none.
const (
	defaultJSONType   = "application/json"
	defaultBinaryType = "application/octet-stream"
)

// AppendEvent writes a stored event as the CloudEvent of protocol section 2. Data and attributes stand as they were sent.
func AppendEvent(dst []byte, e *kapivara.Event) []byte {
	dst = append(dst, `{"specversion":"1.0","id":`...)
	dst = appendString(dst, string(e.ID))
	dst = append(dst, `,"source":`...)
	if e.Source == "" {
		dst = appendString(dst, kapivara.DefaultSource(e.Stream, e.Publisher))
	} else {
		dst = appendString(dst, e.Source)
	}
	dst = append(dst, `,"type":`...)
	dst = appendString(dst, e.Type)
	dst = append(dst, `,"time":`...)
	if e.Time == "" {
		dst = appendTime(dst, e.Recorded)
	} else {
		dst = appendString(dst, e.Time)
	}
	dst = append(dst, `,"stream":`...)
	dst = appendString(dst, string(e.Stream))
	dst = append(dst, `,"position":`...)
	dst = strconv.AppendInt(dst, int64(e.Position), 10)
	dst = append(dst, `,"final":`...)
	dst = strconv.AppendBool(dst, e.Final)
	dst = append(dst, `,"publisher":`...)
	dst = appendString(dst, e.Publisher)
	dst = append(dst, `,"recordedtime":`...)
	dst = appendTime(dst, e.Recorded)
	dst = append(dst, `,"logposition":"`...)
	dst = strconv.AppendInt(dst, e.LogPosition, 10)
	dst = append(dst, '"')
	if len(e.Attributes) > 0 {
		dst = append(dst, ',')
		dst = append(dst, e.Attributes...)
	}
	return append(appendData(dst, &e.NewEvent), '}')
}

func appendData(dst []byte, e *kapivara.NewEvent) []byte {
	if e.Kind == kapivara.NoData {
		return dst
	}
	// Attributes hold no white space between members, and a quote inside of a string is escaped or ends it: this text is
	// there only as a name.
	if !bytes.Contains(e.Attributes, []byte(`"datacontenttype":`)) {
		contentType := defaultJSONType
		if e.Kind == kapivara.BinaryData {
			contentType = defaultBinaryType
		}
		dst = append(dst, `,"datacontenttype":"`...)
		dst = append(dst, contentType...)
		dst = append(dst, '"')
	}
	if e.Kind == kapivara.JSONData {
		dst = append(dst, `,"data":`...)
		return append(dst, e.Data...)
	}
	dst = append(dst, `,"data_base64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, e.Data)
	return append(dst, '"')
}

// readDepth bounds the nesting of what a service has sent.
const readDepth = 1000

// reading takes apart what a service has sent.
func reading(body []byte) *decoder {
	return &decoder{
		scanner: scanner{b: body, most: readDepth},
		limits:  Limits{Data: math.MaxInt, Attributes: math.MaxInt},
		index:   -1,
	}
}

// whole reads one value that is all there is.
func (d *decoder) whole(read func() error) error {
	if !utf8.Valid(d.b) {
		return kapivara.Invalid("", "a message is UTF-8, this one is not")
	}
	if err := read(); err != nil {
		return err
	}
	return d.end()
}

// DecodeEvent reads an event that a service has sent. Time and Source are as shown, defaults included, and Attributes
// has the datacontenttype that was shown. Data and attributes are parts of raw. An error is an invalid_request.
func DecodeEvent(raw []byte) (kapivara.Event, error) {
	var e kapivara.Event
	d := reading(raw)
	if err := d.whole(func() error { return d.stored(&e) }); err != nil {
		return kapivara.Event{}, err
	}
	return e, nil
}

// stored reads an event as a service shows it.
func (d *decoder) stored(e *kapivara.Event) error {
	if err := d.members(&e.NewEvent, e); err != nil {
		return err
	}
	switch {
	case e.Stream == "":
		return kapivara.Invalid(d.at("stream"), "the stream of the event is missing")
	case e.Position == 0:
		return kapivara.Invalid(d.at("position"), "the position of the event is missing")
	case e.LogPosition == 0:
		return kapivara.Invalid(d.at("logposition"), "the log position of the event is missing")
	}
	return nil
}

// storedAttribute reads what Kapivara has set.
func (d *decoder) storedAttribute(a attribute, e *kapivara.Event) error {
	switch a {
	case attrStream:
		text, err := d.text("stream")
		if err == nil {
			e.Stream, err = kapivara.ParseStream(text)
		}
		return err
	case attrPublisher:
		text, err := d.text("publisher")
		e.Publisher = text
		if err == nil {
			err = kapivara.CheckToken("publisher", "a publisher", text)
		}
		return err
	case attrRecorded:
		text, err := d.text("recordedtime")
		if err != nil {
			return err
		}
		at, ok := timeOf(text)
		if e.Recorded = at; !ok {
			return kapivara.Invalid("recordedtime", "recordedtime is RFC 3339")
		}
		return nil
	default: // attrLogPosition
	}
	text, err := d.text("logposition")
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || text[0] == '+' {
		return kapivara.Invalid("logposition", "logposition is a string of digits")
	}
	e.LogPosition = n
	return nil
}
