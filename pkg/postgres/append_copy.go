package postgres

import (
	"encoding/binary"
	"math"

	"kapivara/pkg/kapivara"
)

// Flags of events.flags.
const (
	flagFinal  = 1
	flagJSON   = 2
	flagBinary = 4
)

// Causes of outbox.
const (
	outboxComplete = 1
	outboxAppended = 2
)

// copyRows is the data of a COPY in PostgreSQL's binary format (manual, "COPY", "Binary Format"): a signature, then for
// each row the number of fields, and each field with its length before it.
type copyRows []byte

func (c copyRows) begin() copyRows {
	c = append(c, "PGCOPY\n\xff\r\n\x00"...)
	return append(c, 0, 0, 0, 0, 0, 0, 0, 0)
}

func (c copyRows) end() copyRows { return append(c, 0xff, 0xff) }

func (c copyRows) row(fields int16) copyRows { return binary.BigEndian.AppendUint16(c, uint16(fields)) }

func (c copyRows) int64(v int64) copyRows {
	return binary.BigEndian.AppendUint64(append(c, 0, 0, 0, 8), uint64(v))
}

func (c copyRows) int32(v int) copyRows {
	return binary.BigEndian.AppendUint32(append(c, 0, 0, 0, 4), uint32(int32(v))) //nolint:gosec // positions and counts fit
}

func (c copyRows) int16(v int) copyRows {
	return binary.BigEndian.AppendUint16(append(c, 0, 0, 0, 2), uint16(int16(v))) //nolint:gosec // flags and buckets fit
}

func (c copyRows) bool(v bool) copyRows {
	if v {
		return append(c, 0, 0, 0, 1, 1)
	}
	return append(c, 0, 0, 0, 1, 0)
}

func (c copyRows) null() copyRows { return binary.BigEndian.AppendUint32(c, math.MaxUint32) }

func (c copyRows) bytes(v []byte) copyRows {
	return append(binary.BigEndian.AppendUint32(c, uint32(len(v))), v...) //nolint:gosec // limited to a request's size
}

func (c copyRows) text(v string) copyRows {
	return append(binary.BigEndian.AppendUint32(c, uint32(len(v))), v...) //nolint:gosec // limited to a request's size
}

// orNull writes an empty text as null.
func (c copyRows) orNull(v string) copyRows {
	if v == "" {
		return c.null()
	}
	return c.text(v)
}

func (c copyRows) streams(heads []*kapivara.Head) copyRows {
	c = c.begin()
	for _, h := range heads {
		c = c.row(7).int64(h.No)
		if h.Completed == 0 {
			c = c.null()
		} else {
			c = c.int64(h.Completed)
		}
		c = c.int32(h.Version).int32(h.Contiguous)
		if h.Finish == 0 {
			c = c.null()
		} else {
			c = c.int32(h.Finish)
		}
		c = c.bool(h.Canary).text(string(h.Stream))
	}
	return c.end()
}

func (c copyRows) events(entries []kapivara.Entry) copyRows {
	c = c.begin()
	for i := range entries {
		e := &entries[i]
		c = c.row(10).int64(e.LogPosition).int64(e.Stream).int32(e.Position).int32(int(e.Kind)).int16(eventFlags(e.NewEvent))
		c = c.bytes(idKey(e.ID)).orNull(e.Time).orNull(e.Source)
		if len(e.Attributes) == 0 {
			c = c.null()
		} else {
			c = c.bytes(e.Attributes)
		}
		if e.NewEvent.Kind == kapivara.NoData {
			c = c.null()
		} else {
			c = c.bytes(e.Data)
		}
	}
	return c.end()
}

func (c copyRows) outbox(due []kapivara.Due) copyRows {
	c = c.begin()
	for _, d := range due {
		c = c.row(6).int64(d.LogPosition).int64(d.Stream).int32(int(d.Subscriber)).int16(int(d.Bucket))
		if d.Grown > 0 {
			c = c.int16(outboxAppended).int32(d.Grown)
		} else {
			c = c.int16(outboxComplete).null()
		}
	}
	return c.end()
}

func eventFlags(e *kapivara.NewEvent) int {
	flags := 0
	if e.Final {
		flags |= flagFinal
	}
	switch e.Kind {
	case kapivara.JSONData:
		flags |= flagJSON
	case kapivara.BinaryData:
		flags |= flagBinary
	case kapivara.NoData:
	}
	return flags
}

// setEventFlags is the reverse of eventFlags. Data that is there but empty stays apart from no data.
func setEventFlags(e *kapivara.NewEvent, flags int16) {
	e.Final = flags&flagFinal != 0
	switch {
	case flags&flagJSON != 0:
		e.Kind = kapivara.JSONData
	case flags&flagBinary != 0:
		e.Kind = kapivara.BinaryData
	default:
		e.Kind = kapivara.NoData
	}
}
