package wire

import (
	"slices"
	"strconv"

	"kapivara/pkg/kapivara"
)

// placedSize is the room that an event takes in a reply, with an id of UUID form. A longer one grows the buffer.
const placedSize = 112

// AppendReply writes the reply to an append (protocol section 3).
func AppendReply(dst []byte, r *kapivara.AppendResult) []byte {
	dst = slices.Grow(dst, 96+len(r.Stream)+len(r.Events)*placedSize)
	dst = append(dst, `{"stream":`...)
	dst = appendString(dst, string(r.Stream))
	dst = append(dst, `,"version":`...)
	dst = strconv.AppendInt(dst, int64(r.Version), 10)
	dst = append(dst, `,"contiguous":`...)
	dst = strconv.AppendInt(dst, int64(r.Contiguous), 10)
	dst = append(dst, `,"finish":`...)
	dst = appendOrNull(dst, r.Finish)
	dst = append(dst, `,"complete":`...)
	dst = strconv.AppendBool(dst, r.Complete)
	dst = append(dst, `,"events":[`...)
	for i := range r.Events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendPlaced(dst, &r.Events[i])
	}
	return append(dst, ']', '}')
}

func appendPlaced(dst []byte, p *kapivara.Placed) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, string(p.ID))
	dst = append(dst, `,"position":`...)
	dst = strconv.AppendInt(dst, int64(p.Position), 10)
	dst = append(dst, `,"log_position":`...)
	dst = strconv.AppendInt(dst, p.LogPosition, 10)
	dst = append(dst, `,"stored":`...)
	dst = strconv.AppendBool(dst, p.Stored)
	return append(dst, '}')
}

// DecodeAppendReply reads the reply to an append. One without events is not from Kapivara (protocol section 9: the
// acknowledgement of a JetStream stream laid over our subjects) and gives an error. Members of later versions are passed
// over.
func DecodeAppendReply(body []byte) (kapivara.AppendResult, error) {
	var r kapivara.AppendResult
	d := reading(body)
	if err := d.whole(func() error { return d.appendReply(&r) }); err != nil {
		return kapivara.AppendResult{}, kapivara.Refuse(kapivara.Internal, "the reply to the append is no JSON of Kapivara")
	}
	if r.Events == nil {
		return kapivara.AppendResult{}, kapivara.Refuse(kapivara.Internal,
			"the reply to the append has no events: something else answers on this subject")
	}
	return r, nil
}

// AppendManyReply writes the reply to an append-many.
func AppendManyReply(dst []byte, r *kapivara.AppendManyResult) []byte {
	dst = append(dst, `{"appends":[`...)
	for i := range r.Appends {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendReply(dst, &r.Appends[i])
	}
	return append(dst, ']', '}')
}

// DecodeAppendManyReply reads the reply to an append-many. One without appends is not from Kapivara, as with
// DecodeAppendReply.
func DecodeAppendManyReply(body []byte) (kapivara.AppendManyResult, error) {
	var r kapivara.AppendManyResult
	d := reading(body)
	err := d.whole(func() error {
		return d.each("a reply", func(name []byte) error {
			if string(name) != "appends" {
				return d.pass()
			}
			r.Appends = []kapivara.AppendResult{}
			return d.list("appends", func() error {
				r.Appends = append(r.Appends, kapivara.AppendResult{})
				return d.appendReply(&r.Appends[len(r.Appends)-1])
			})
		})
	})
	switch {
	case err != nil:
		return kapivara.AppendManyResult{}, kapivara.Refuse(kapivara.Internal, "the reply to the append-many is no JSON of Kapivara")
	case r.Appends == nil:
		return kapivara.AppendManyResult{}, kapivara.Refuse(kapivara.Internal,
			"the reply to the append-many has no appends: something else answers on this subject")
	}
	return r, nil
}

func (d *decoder) appendReply(r *kapivara.AppendResult) error {
	return d.each("a reply", func(name []byte) (err error) {
		switch string(name) {
		case "stream":
			var stream string
			stream, err = d.text("stream")
			r.Stream = kapivara.Stream(stream)
		case "version":
			r.Version, err = d.number32("version")
		case "contiguous":
			r.Contiguous, err = d.number32("contiguous")
		case "finish":
			r.Finish, err = d.number32("finish")
		case "complete":
			r.Complete, err = d.boolean("complete")
		case "events":
			r.Events = make([]kapivara.Placed, 0, 1)
			err = d.list("events", func() error {
				p, err := d.placed()
				r.Events = append(r.Events, p)
				return err
			})
		default:
			err = d.pass()
		}
		return err
	})
}

func (d *decoder) placed() (p kapivara.Placed, err error) {
	err = d.each("an event", func(name []byte) (err error) {
		switch string(name) {
		case "id":
			var id string
			id, err = d.text("id")
			p.ID = kapivara.EventID(id)
		case "position":
			p.Position, err = d.number32("position")
		case "log_position":
			p.LogPosition, err = d.number64("log_position")
		case "stored":
			p.Stored, err = d.boolean("stored")
		default:
			err = d.pass()
		}
		return err
	})
	return p, err
}
