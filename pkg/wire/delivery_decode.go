package wire

import (
	"bytes"
	"encoding/json"
	"time"

	"kapivara/pkg/kapivara"
)

// ReadRef says where the events of a delivery are that did not come with it.
type ReadRef struct {
	Subject string          `json:"subject"`
	Request json.RawMessage `json:"request"`
}

// DecodeDelivery reads a delivery. The reference is nil where the events came with it. Data and attributes of the events
// are parts of body. Members of later versions are passed over.
func DecodeDelivery(body []byte) (kapivara.Delivery, *ReadRef, error) {
	r := deliveryReader{decoder: reading(body)}
	if err := r.whole(func() error { return r.each("a delivery", r.member) }); err != nil {
		return kapivara.Delivery{}, nil, err
	}
	if r.d.Events != nil {
		return r.d, nil, nil
	}
	if r.ref == nil {
		return kapivara.Delivery{}, nil, kapivara.Invalid("events", "the delivery has neither events nor read")
	}
	return r.d, r.ref, nil
}

type deliveryReader struct {
	*decoder
	d   kapivara.Delivery
	ref *ReadRef
}

func (r *deliveryReader) member(name []byte) (err error) {
	d := &r.d
	switch string(name) {
	case "buckets":
		d.Buckets, err = r.number32("buckets")
	case "canary":
		d.Canary, err = r.boolean("canary")
	case "number":
		d.Number, err = r.number64("number")
	case "attempt":
		d.Attempt, err = r.number32("attempt")
	case "version":
		d.Version, err = r.number32("version")
	case "finish":
		d.Finish, err = r.number32("finish")
	case "complete":
		d.Complete, err = r.boolean("complete")
	case "from":
		d.From, err = r.number32("from")
	case "to":
		d.To, err = r.number32("to")
	case "events":
		err = r.events()
	case "read":
		err = r.reference()
	case "subscriber", "bucket", "cause", "stream", "ack_wait", "deadline", "token", "committed":
		err = r.words(string(name))
	default:
		err = r.pass()
	}
	return err
}

// words reads what is a string on the wire.
func (r *deliveryReader) words(name string) error {
	d := &r.d
	text, err := r.optional(name)
	if err != nil || text == "" {
		return err
	}
	switch name {
	case "subscriber":
		d.Subscriber = text
	case "bucket":
		d.Bucket, err = kapivara.ParseBucket(name, text)
	case "cause":
		d.Cause = kapivara.Cause(text)
	case "stream":
		d.Stream, err = kapivara.ParseStream(text)
	case "ack_wait":
		d.AckWait, err = kapivara.ParseDuration(name, text)
	case "token":
		d.Token = text
	case "deadline":
		d.Deadline, err = moment(name, text)
	case "committed":
		d.Committed, err = moment(name, text)
	}
	return err
}

func moment(name, text string) (time.Time, error) {
	t, ok := timeOf(text)
	if !ok {
		return t, kapivara.Invalid(name, "%s is RFC 3339", name)
	}
	return t, nil
}

func (r *deliveryReader) events() error {
	if r.null() {
		return nil
	}
	r.d.Events = []kapivara.Event{}
	defer func() { r.index = -1 }()
	return r.list("the events", func() error {
		r.index = len(r.d.Events)
		r.d.Events = append(r.d.Events, kapivara.Event{})
		return r.stored(&r.d.Events[r.index])
	})
}

func (r *deliveryReader) reference() error {
	if r.null() {
		return nil
	}
	ref := &ReadRef{}
	r.ref = ref
	return r.each("read", func(name []byte) (err error) {
		switch string(name) {
		case "subject":
			ref.Subject, err = r.text("subject")
		case "request":
			var raw []byte
			raw, err = r.value()
			ref.Request = bytes.Clone(raw)
		default:
			err = r.pass()
		}
		return err
	})
}

// DecodeEvents reads a list of events that a service has sent.
func DecodeEvents(raw []json.RawMessage) ([]kapivara.Event, error) {
	events := make([]kapivara.Event, len(raw))
	for i := range raw {
		e, err := DecodeEvent(raw[i])
		if err != nil {
			return nil, err
		}
		events[i] = e
	}
	return events, nil
}
