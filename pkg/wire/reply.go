package wire

import (
	"encoding/json"
	"strconv"

	"kapivara/pkg/kapivara"
)

// AppendReply writes the reply to an append (protocol section 3).
func AppendReply(dst []byte, r *kapivara.AppendResult) []byte {
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
// acknowledgement of a JetStream stream laid over our subjects) and gives an error.
func DecodeAppendReply(body []byte) (kapivara.AppendResult, error) {
	var r struct {
		Stream     kapivara.Stream
		Version    int
		Contiguous int
		Finish     int
		Complete   bool
		Events     []struct {
			ID          kapivara.EventID
			Position    int
			LogPosition int64 `json:"log_position"`
			Stored      bool
		}
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return kapivara.AppendResult{}, kapivara.Refuse(kapivara.Internal, "the reply to the append is no JSON of Kapivara")
	}
	if r.Events == nil {
		return kapivara.AppendResult{}, kapivara.Refuse(kapivara.Internal,
			"the reply to the append has no events: something else answers on this subject")
	}
	result := kapivara.AppendResult{
		Stream: r.Stream, Version: r.Version, Contiguous: r.Contiguous, Finish: r.Finish, Complete: r.Complete,
		Events: make([]kapivara.Placed, len(r.Events)),
	}
	for i, e := range r.Events {
		result.Events[i] = kapivara.Placed(e)
	}
	return result, nil
}
