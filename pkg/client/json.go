package client

import (
	"encoding/json"
	"fmt"

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

// JSON writes the delivery as the wire has it, with its events even where they did not come with it.
func (d *Delivery) JSON() ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(d.Raw, &members); err != nil {
		return nil, fmt.Errorf("delivery: %w", err)
	}
	if _, elsewhere := members["read"]; !elsewhere {
		return d.Raw, nil
	}
	delete(members, "read")
	events := []byte{'['}
	for i := range d.Events {
		if i > 0 {
			events = append(events, ',')
		}
		events = wire.AppendEvent(events, &d.Events[i])
	}
	members["events"] = append(events, ']')
	return json.Marshal(members)
}
