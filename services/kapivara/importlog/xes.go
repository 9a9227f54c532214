package importlog

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// xesReader reads a log trace by trace and numbers the events of each.
type xesReader struct {
	xml     *xml.Decoder
	opts    Options
	times   *timestamps
	seen    map[string]int // how often a case's id was met
	cases   int
	row     int64
	waiting []Event // of the trace in hand, in order
	bad     []*BadRow
}

func newXES(r io.Reader, opts Options) *xesReader {
	d := xml.NewDecoder(r)
	d.CharsetReader = charset
	for flag, usual := range map[*string]string{&opts.Case: "concept:name", &opts.Type: "concept:name", &opts.Time: "time:timestamp"} {
		if *flag == "" {
			*flag = usual
		}
	}
	return &xesReader{xml: d, opts: opts, times: newTimestamps(opts.TimeLayout), seen: map[string]int{}}
}

// Next gives the events of one trace after another.
func (x *xesReader) Next() (Event, error) {
	for {
		if len(x.bad) > 0 {
			bad := x.bad[0]
			x.bad = x.bad[1:]
			return Event{}, bad
		}
		if len(x.waiting) > 0 {
			e := x.waiting[0]
			x.waiting = x.waiting[1:]
			return e, nil
		}
		token, err := x.xml.Token()
		if errors.Is(err, io.EOF) {
			return Event{}, io.EOF
		}
		if err != nil {
			return Event{}, fmt.Errorf("xes: %w", err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "trace" {
			if err := x.trace(); err != nil {
				return Event{}, fmt.Errorf("xes: %w", err)
			}
		}
	}
}

// trace reads to the end of a trace: its own attributes, then its events.
func (x *xesReader) trace() error {
	var own object
	var events []object
	var rows []int64
	err := x.children(func(e xml.StartElement) error {
		if e.Name.Local != "event" {
			x.attribute(e, &own)
			return x.xml.Skip()
		}
		var event object
		x.row++
		rows = append(rows, x.row)
		err := x.children(func(a xml.StartElement) error {
			x.attribute(a, &event)
			return x.xml.Skip()
		})
		events = append(events, event)
		return err
	})
	if err == nil && len(events) > 0 {
		x.number(own, events, rows)
	}
	return err
}

// children calls f for each element inside the one whose start was read last. f reads its end.
func (x *xesReader) children(f func(xml.StartElement) error) error {
	for {
		token, err := x.xml.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := f(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// number makes the trace's events: the case's attributes go into data.case of the first.
func (x *xesReader) number(own object, events []object, rows []int64) {
	x.cases++
	id := own.takeText(x.opts.Case)
	if id == "" {
		id = "case-" + strconv.Itoa(x.cases)
	}
	if x.seen[id]++; x.seen[id] > 1 {
		id += "#" + strconv.Itoa(x.seen[id])
	}
	made := make([]Event, 0, len(events))
	for i := range events {
		e := Event{Case: id, Row: rows[i], Position: len(made) + 1}
		if e.Type = events[i].takeText(x.opts.Type); e.Type == "" {
			x.bad = append(x.bad, badRow(rows[i], "the event has no %s; --type names another attribute", x.opts.Type))
			continue
		}
		if x.opts.Lifecycle {
			if transition := events[i].takeText("lifecycle:transition"); transition != "" {
				e.Type += "/" + transition
			}
		}
		e.Time = events[i].takeText(x.opts.Time)
		if len(made) == 0 && len(own.names) > 0 {
			events[i].set("case", own.bytes())
		}
		if x.opts.ID != "" {
			e.ID = events[i].takeText(x.opts.ID)
		}
		if e.ID == "" {
			e.ID = eventID(x.opts.Log, id, e.Position)
		}
		e.Data = events[i].bytes()
		made = append(made, e)
	}
	if len(made) > 0 {
		made[len(made)-1].Final = true
	}
	x.waiting = made
}

// attribute adds a simple attribute of XES; lists, containers and attributes of attributes are left out.
func (x *xesReader) attribute(e xml.StartElement, into *object) {
	var key, value string
	for _, a := range e.Attr {
		switch a.Name.Local {
		case "key":
			key = a.Value
		case "value":
			value = a.Value
		}
	}
	switch e.Name.Local {
	case "string", "id":
		into.set(key, quoted(value))
	case "date":
		if t, ok := x.times.normal(value); ok {
			value = t
		}
		into.set(key, quoted(value))
	case "int":
		if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil {
			into.set(key, strconv.AppendInt(nil, n, 10))
			return
		}
		into.set(key, quoted(value))
	case "float":
		if f, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
			into.set(key, number(f))
			return
		}
		into.set(key, quoted(value))
	case "boolean":
		into.set(key, strconv.AppendBool(nil, strings.EqualFold(value, "true")))
	}
}
