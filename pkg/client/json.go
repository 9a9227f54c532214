package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"kapivara/pkg/wire"
)

// EventJSON writes an event as the wire has it: a CloudEvent with Kapivara's attributes, data to the byte.
func EventJSON(e *Event) []byte { return wire.AppendEvent(nil, e) }

// AppendResultJSON writes the reply to an append as the wire has it.
func AppendResultJSON(r *AppendResult) []byte { return wire.AppendReply(nil, r) }

// AppendManyResultJSON writes the reply to an append-many as the wire has it.
func AppendManyResultJSON(r *AppendManyResult) []byte { return wire.AppendManyReply(nil, r) }

// ParseAppendMany reads the request of an append-many as the wire has it, and refuses what a service would refuse by the
// request alone. The request holds parts of the text.
func ParseAppendMany(text []byte) (AppendMany, error) {
	return wire.DecodeAppendMany(text, wire.DefaultLimits())
}

// DeliveryRowJSON writes a delivery as lists have it on the wire.
func DeliveryRowJSON(r *DeliveryRow) []byte { return wire.AppendDeliveryRow(nil, r) }

// SettledJSON writes what an answer has come to as the wire has it.
func SettledJSON(s Settled) []byte { return wire.AppendSettled(nil, s) }

// ErrorJSON writes a refusal as the wire has it.
func ErrorJSON(e *Error) []byte {
	_, body := wire.EncodeError(e)
	return body
}

// WriteJSON writes the delivery as the wire has it, its events as they are read: also where they did not come with it, it
// holds one page of them at most. What it has written before an error is no JSON.
func (d *Delivery) WriteJSON(ctx context.Context, to io.Writer) error {
	if d.source == nil || d.source.events != nil {
		_, err := to.Write(d.Raw)
		return err
	}
	head, err := d.headJSON()
	if err != nil {
		return fmt.Errorf("delivery: %w", err)
	}
	text := append(head[:len(head)-1], `,"events":[`...)
	for e, err := range d.Events(ctx) {
		if err != nil {
			return err
		}
		if e.Position > d.From {
			text = append(text, ',')
		}
		text = wire.AppendEvent(text, &e)
		if _, err := to.Write(text); err != nil {
			return err
		}
		text = text[:0]
	}
	_, err = to.Write(append(text, "]}"...))
	return err
}

// headJSON is the delivery without its events and without where they are.
func (d *Delivery) headJSON() ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(d.Raw, &members); err != nil {
		return nil, err
	}
	delete(members, "read")
	delete(members, "events")
	return json.Marshal(members)
}
