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
		dst = appendExpect(append(dst, `,"expect":`...), a.Expect)
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

// EncodeAppendMany writes the request of an append-many.
func EncodeAppendMany(dst []byte, m *kapivara.AppendMany) []byte {
	dst = append(dst, `{"appends":[`...)
	for i := range m.Appends {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = EncodeAppend(dst, &m.Appends[i])
	}
	dst = append(dst, ']')
	for i, c := range m.Conditions {
		if i == 0 {
			dst = append(dst, `,"conditions":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"stream":`...)
		dst = appendString(dst, string(c.Stream))
		dst = append(appendExpect(append(dst, `,"expect":`...), c.Expect), '}')
	}
	if len(m.Conditions) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func appendExpect(dst []byte, e kapivara.Expect) []byte {
	expect, _ := json.Marshal(e) // a word or a number: it cannot fail
	return append(dst, expect...)
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
