package wire

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

	"kapivara/pkg/kapivara"
)

// EncodeAppend writes the request of an append. Data and attributes go to the byte as they stand.
func EncodeAppend(dst []byte, a *kapivara.Append) []byte {
	dst = append(dst, `{"stream":`...)
	dst = appendString(dst, string(a.Stream))
	if a.Expect != kapivara.ExpectAny() {
		dst = append(dst, `,"expect":`...)
		expect, _ := json.Marshal(a.Expect) // a word or a number: it cannot fail
		dst = append(dst, expect...)
	}
	if a.Canary != nil {
		dst = append(dst, `,"canary":`...)
		dst = strconv.AppendBool(dst, *a.Canary)
	}
	dst = append(dst, `,"events":[`...)
	for i := range a.Events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendNewEvent(dst, &a.Events[i])
	}
	return append(dst, ']', '}')
}

func appendNewEvent(dst []byte, e *kapivara.NewEvent) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, string(e.ID))
	dst = append(dst, `,"type":`...)
	dst = appendString(dst, e.Type)
	if e.Source != "" {
		dst = append(dst, `,"source":`...)
		dst = appendString(dst, e.Source)
	}
	if e.Time != "" {
		dst = append(dst, `,"time":`...)
		dst = appendString(dst, e.Time)
	}
	if e.Position != 0 {
		dst = append(dst, `,"position":`...)
		dst = strconv.AppendInt(dst, int64(e.Position), 10)
	}
	if e.Final {
		dst = append(dst, `,"final":true`...)
	}
	if len(e.Attributes) > 0 {
		dst = append(dst, ',')
		dst = append(dst, e.Attributes...)
	}
	switch e.Kind {
	case kapivara.JSONData:
		dst = append(dst, `,"data":`...)
		dst = append(dst, e.Data...)
	case kapivara.BinaryData:
		dst = append(dst, `,"data_base64":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, e.Data)
		dst = append(dst, '"')
	case kapivara.NoData:
	}
	return append(dst, '}')
}
