package wire

import (
	"encoding/json"
	"strconv"
	"time"

	"kapivara/pkg/kapivara"
)

// AppendDeliveryRow writes a delivery as lists and notices show it (protocol section 5), null where a field does not apply.
func AppendDeliveryRow(dst []byte, r *kapivara.DeliveryRow) []byte {
	dst = append(dst, `{"bucket":`...)
	dst = appendString(dst, r.Bucket.String())
	dst = append(dst, `,"number":`...)
	dst = appendOrNull(dst, r.Number)
	dst = append(dst, `,"stream":`...)
	dst = appendString(dst, string(r.Stream))
	dst = append(dst, `,"cause":`...)
	dst = appendString(dst, string(r.Cause))
	dst = append(dst, `,"from":`...)
	dst = appendOrNull(dst, r.From)
	dst = append(dst, `,"to":`...)
	dst = appendOrNull(dst, r.To)
	dst = append(dst, `,"state":`...)
	dst = appendString(dst, string(r.State))
	dst = append(dst, `,"attempt":`...)
	dst = strconv.AppendInt(dst, int64(r.Attempt), 10)
	dst = append(dst, `,"due":`...)
	dst = appendOrNull(dst, r.LogPosition)
	dst = append(dst, `,"deadline":`...)
	dst = appendTimeOrNull(dst, r.Deadline)
	dst = append(dst, `,"until":`...)
	dst = appendTimeOrNull(dst, r.Until)
	dst = append(dst, `,"reason":`...)
	dst = appendStringOrNull(dst, r.Reason)
	dst = append(dst, `,"node":`...)
	dst = appendStringOrNull(dst, r.Node)
	dst = append(dst, `,"committed":`...)
	dst = appendTimeOrNull(dst, r.Committed)
	return append(dst, '}')
}

// DecodeDeliveryRow reads what AppendDeliveryRow writes.
func DecodeDeliveryRow(body []byte) (kapivara.DeliveryRow, error) {
	var m struct {
		Bucket    string          `json:"bucket"`
		Number    int64           `json:"number"`
		Stream    kapivara.Stream `json:"stream"`
		Cause     kapivara.Cause  `json:"cause"`
		From      int             `json:"from"`
		To        int             `json:"to"`
		State     kapivara.State  `json:"state"`
		Attempt   int             `json:"attempt"`
		Due       int64           `json:"due"`
		Deadline  time.Time       `json:"deadline"`
		Until     time.Time       `json:"until"`
		Reason    string          `json:"reason"`
		Node      string          `json:"node"`
		Committed time.Time       `json:"committed"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return kapivara.DeliveryRow{}, kapivara.Invalid("", "the delivery row is no JSON of Kapivara")
	}
	bucket, err := kapivara.ParseBucket("bucket", m.Bucket)
	if err != nil {
		return kapivara.DeliveryRow{}, err
	}
	return kapivara.DeliveryRow{
		Bucket: bucket, Number: m.Number, Stream: m.Stream, Cause: m.Cause, From: m.From, To: m.To, State: m.State,
		Attempt: m.Attempt, LogPosition: m.Due, Deadline: m.Deadline, Until: m.Until, Reason: m.Reason, Node: m.Node,
		Committed: m.Committed,
	}, nil
}
