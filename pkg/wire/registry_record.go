package wire

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

	"kapivara/pkg/kapivara"
)

// AppendPublisher writes a publisher as get and set answer it.
func AppendPublisher(dst []byte, p *kapivara.Publisher) []byte {
	dst = append(dst, `{"name":`...)
	dst = appendString(dst, p.Name)
	dst = append(dst, `,"description":`...)
	dst = appendString(dst, p.Description)
	dst = append(dst, `,"streams":`...)
	dst = appendStrings(dst, p.Streams)
	dst = append(dst, `,"created":`...)
	dst = appendTime(dst, p.Created)
	return appendLogPosition(dst, p.LogPosition)
}

// AppendEventType writes an event type as get and set answer it. Without a schema there is no such member.
func AppendEventType(dst []byte, t *kapivara.EventType) []byte {
	dst = append(dst, `{"type":`...)
	dst = appendString(dst, t.Type)
	dst = append(dst, `,"publisher":`...)
	dst = appendString(dst, t.Publisher)
	if len(t.Schema) > 0 {
		dst = append(dst, `,"schema":`...)
		dst = append(dst, t.Schema...)
	}
	dst = append(dst, `,"metadata":`...)
	if len(t.Metadata) > 0 {
		dst = append(dst, t.Metadata...)
	} else {
		dst = append(dst, `{}`...)
	}
	dst = append(dst, `,"created":`...)
	dst = appendTime(dst, t.Created)
	return appendLogPosition(dst, t.LogPosition)
}

// AppendSubscriber writes a subscriber as get and set answer it.
func AppendSubscriber(dst []byte, s *kapivara.Subscriber) []byte {
	dst = append(dst, `{"name":`...)
	dst = appendString(dst, s.Name)
	dst = append(dst, `,"description":`...)
	dst = appendString(dst, s.Description)
	dst = append(dst, `,"system":`...)
	dst = appendString(dst, s.System)
	dst = append(dst, `,"types":`...)
	dst = appendStrings(dst, s.Types)
	dst = append(dst, `,"streams":`...)
	dst = appendStrings(dst, s.Streams)
	dst = append(dst, `,"buckets":`...)
	dst = strconv.AppendInt(dst, int64(s.Buckets), 10)
	dst = append(dst, `,"canary_buckets":`...)
	dst = strconv.AppendInt(dst, int64(s.CanaryBuckets), 10)
	dst = append(dst, `,"deliver":`...)
	dst = appendString(dst, string(s.Deliver))
	dst = append(dst, `,"start":`...)
	dst = appendStart(dst, s.Start)
	dst = append(dst, `,"ack_wait":`...)
	dst = appendString(dst, kapivara.FormatDuration(s.AckWait))
	dst = append(dst, `,"max_attempts":`...)
	dst = strconv.AppendInt(dst, int64(s.MaxAttempts), 10)
	dst = append(dst, `,"backoff":`...)
	backoff := make([]string, len(s.Backoff))
	for i, d := range s.Backoff {
		backoff[i] = kapivara.FormatDuration(d)
	}
	dst = appendStrings(dst, backoff)
	dst = append(dst, `,"max_in_flight":`...)
	dst = strconv.AppendInt(dst, int64(s.MaxInFlight), 10)
	dst = append(dst, `,"created":`...)
	dst = appendTime(dst, s.Created)
	return appendLogPosition(dst, s.LogPosition)
}

func appendStart(dst []byte, s kapivara.Start) []byte {
	switch {
	case s.New:
		return append(dst, `"new"`...)
	case s.After == 0:
		return append(dst, `"beginning"`...)
	}
	return strconv.AppendInt(dst, s.After, 10)
}

func appendStrings(dst []byte, texts []string) []byte {
	dst = append(dst, '[')
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, text)
	}
	return append(dst, ']')
}

func appendLogPosition(dst []byte, n int64) []byte {
	dst = append(dst, `,"log_position":`...)
	return append(strconv.AppendInt(dst, n, 10), '}')
}

// AppendRemoved writes the reply to a remove.
func AppendRemoved(dst []byte, logPosition int64) []byte {
	return appendLogPosition(append(dst, `{"removed":true`...), logPosition)
}

// maxNext is the room that the end of a list needs at most: its cursor.
const maxNext = 512

// AppendRegistryList writes a page of records: as many as a reply has room for, and where the next page goes on. more
// tells that others follow the last one given.
func AppendRegistryList[R any](
	dst []byte, records []R, more bool, write func([]byte, R) []byte, name func(R) string,
) []byte {
	dst = append(dst, `{"items":[`...)
	next := ""
	for i, r := range records {
		before := len(dst)
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = write(dst, r)
		if len(dst) > MaxReply-maxNext && i > 0 {
			dst, more = dst[:before], true
			break
		}
		next = name(r)
	}
	dst = append(dst, `],"next":`...)
	if !more || next == "" {
		return append(dst, `null}`...)
	}
	dst = append(dst, '"')
	dst = base64.RawURLEncoding.AppendEncode(dst, []byte(next))
	return append(dst, '"', '}')
}

// DecodeRegistryPage takes a list apart: its records as they stand, and the cursor of the next page, "" for none.
func DecodeRegistryPage(body []byte) (items []json.RawMessage, next string, err error) {
	var m struct {
		Items []json.RawMessage
		Next  *string
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Items == nil {
		return nil, "", kapivara.Refuse(kapivara.Internal, "the reply is no list of the registry")
	}
	if m.Next != nil {
		next = *m.Next
	}
	return m.Items, next, nil
}
