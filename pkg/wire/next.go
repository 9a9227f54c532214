package wire

import (
	"encoding/json"
	"fmt"
	"strconv"

	"kapivara/pkg/kapivara"
)

// DecodeNext reads the request of next.<subscriber>: {"bucket"?,"node"?,"batch"?,"wait"?}, with a batch of 1 and no wait
// where they are left out. An error is a *kapivara.Error.
func DecodeNext(subscriber string, body []byte) (q kapivara.NextQuery, err error) {
	var m struct {
		Bucket *string `json:"bucket"`
		Node   *string `json:"node"`
		Batch  *int    `json:"batch"`
		Wait   *string `json:"wait"`
	}
	if err := decodeRead(body, &m); err != nil {
		return q, err
	}
	if err := checkSubscriber(subscriber); err != nil {
		return q, err
	}
	if m.Bucket != nil {
		bucket, err := kapivara.ParseBucket("bucket", *m.Bucket)
		if err != nil {
			return q, err
		}
		q.Bucket = &bucket
	}
	if m.Node != nil {
		if q.Node = *m.Node; q.Node == "" {
			return q, kapivara.CheckToken("node", "a node", q.Node)
		}
	}
	q.Batch = or(m.Batch, 1)
	if m.Wait != nil {
		if q.Wait, err = kapivara.ParseDuration("wait", *m.Wait); err != nil {
			return q, err
		}
	}
	return q, q.Check()
}

// EncodeNext writes the request of next.
func EncodeNext(q *kapivara.NextQuery) []byte {
	dst := append([]byte(nil), `{"batch":`...)
	dst = strconv.AppendInt(dst, int64(q.Batch), 10)
	dst = append(dst, `,"wait":`...)
	dst = appendString(dst, kapivara.FormatDuration(q.Wait))
	if q.Bucket != nil {
		dst = append(dst, `,"bucket":`...)
		dst = appendString(dst, q.Bucket.String())
	}
	if q.Node != "" {
		dst = append(dst, `,"node":`...)
		dst = appendString(dst, q.Node)
	}
	return append(dst, '}')
}

// nextHead is more than a delivery by reference takes: its names are bounded.
const nextHead = 2 << 10

// AppendNext writes the reply of next, at most MaxReply bytes: {"deliveries":[…]}. A delivery whose events do not fit
// beside the others goes by reference.
func AppendNext(dst []byte, deliveries []kapivara.Delivery) []byte {
	start := len(dst)
	dst = append(dst, `{"deliveries":[`...)
	for i := range deliveries {
		if i > 0 {
			dst = append(dst, ',')
		}
		d, before := deliveries[i], len(dst)
		dst = AppendDelivery(dst, &d)
		if len(dst)-start > MaxReply-nextHead*(len(deliveries)-i-1)-len(`]}`) {
			d.Events = nil
			dst = AppendDelivery(dst[:before], &d)
		}
	}
	return append(dst, ']', '}')
}

// Pulled is a delivery as next answers it.
type Pulled struct {
	kapivara.Delivery
	Elsewhere *ReadRef // where its events are that did not come with it, nil where they did
	Raw       []byte   // as it came
}

// DecodeNextReply reads what AppendNext writes. Members of later versions are passed over.
func DecodeNextReply(body []byte) ([]Pulled, error) {
	var m struct {
		Deliveries []json.RawMessage `json:"deliveries"`
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Deliveries == nil {
		return nil, kapivara.Refuse(kapivara.Internal, "the answer to next is no JSON of Kapivara")
	}
	pulled := make([]Pulled, len(m.Deliveries))
	for i, raw := range m.Deliveries {
		d, elsewhere, err := DecodeDelivery(raw)
		if err != nil {
			return nil, fmt.Errorf("delivery %d: %w", i, err)
		}
		pulled[i] = Pulled{Delivery: d, Elsewhere: elsewhere, Raw: raw}
	}
	return pulled, nil
}
