package wire

import (
	"bytes"
	"strconv"
	"strings"

	"kapivara/pkg/kapivara"
)

// AppendDelivery writes a delivery (protocol section 7). Where it has no events, or would pass MaxReply with them, it
// goes by reference: events is null and read says where they are. Token and committed are left out where they are zero.
func AppendDelivery(dst []byte, d *kapivara.Delivery) []byte {
	start := len(dst)
	dst = appendDeliveryHead(dst, d)
	body := len(dst)
	if d.Events != nil {
		dst = append(dst, `,"events":[`...)
		for i := range d.Events {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendEvent(dst, &d.Events[i])
			if len(dst)-start > MaxReply {
				break
			}
		}
		dst = append(dst, ']', '}')
	}
	if d.Events == nil || len(dst)-start > MaxReply {
		dst = append(dst[:body], `,"events":null,"read":{"subject":`...)
		dst = appendString(dst, Read("delivery", d.Subscriber))
		dst = append(dst, `,"request":{"bucket":`...)
		dst = appendString(dst, d.Bucket.String())
		dst = append(dst, `,"number":`...)
		dst = strconv.AppendInt(dst, d.Number, 10)
		dst = append(dst, `}}}`...)
	}
	return dst
}

func appendDeliveryHead(dst []byte, d *kapivara.Delivery) []byte {
	dst = append(dst, `{"subscriber":`...)
	dst = appendString(dst, d.Subscriber)
	dst = append(dst, `,"bucket":`...)
	dst = appendString(dst, d.Bucket.String())
	dst = append(dst, `,"buckets":`...)
	dst = strconv.AppendInt(dst, int64(d.Buckets), 10)
	dst = append(dst, `,"canary":`...)
	dst = strconv.AppendBool(dst, d.Canary)
	dst = append(dst, `,"number":`...)
	dst = strconv.AppendInt(dst, d.Number, 10)
	dst = append(dst, `,"attempt":`...)
	dst = strconv.AppendInt(dst, int64(d.Attempt), 10)
	dst = append(dst, `,"cause":`...)
	dst = appendString(dst, string(d.Cause))
	dst = append(dst, `,"stream":`...)
	dst = appendString(dst, string(d.Stream))
	dst = append(dst, `,"version":`...)
	dst = strconv.AppendInt(dst, int64(d.Version), 10)
	dst = append(dst, `,"finish":`...)
	dst = appendOrNull(dst, d.Finish)
	dst = append(dst, `,"complete":`...)
	dst = strconv.AppendBool(dst, d.Complete)
	dst = append(dst, `,"from":`...)
	dst = strconv.AppendInt(dst, int64(d.From), 10)
	dst = append(dst, `,"to":`...)
	dst = strconv.AppendInt(dst, int64(d.To), 10)
	dst = append(dst, `,"ack_wait":`...)
	dst = appendString(dst, kapivara.FormatDuration(d.AckWait))
	dst = append(dst, `,"deadline":`...)
	dst = appendTimeOrNull(dst, d.Deadline)
	if d.Token != "" {
		dst = append(dst, `,"token":`...)
		dst = appendString(dst, d.Token)
	}
	if !d.Committed.IsZero() {
		dst = append(dst, `,"committed":`...)
		dst = appendTime(dst, d.Committed)
	}
	return dst
}

// maxHeader bounds a header of a delivery.
const maxHeader = 1024

// DeliveryHeaders are the headers that go with a delivery. traceparent is that of the event stored last, where it has one.
func DeliveryHeaders(d *kapivara.Delivery) map[string][]string {
	h := map[string][]string{
		"Kapivara-Stream":   {HeaderValue(string(d.Stream), maxHeader)},
		"Kapivara-Delivery": {d.Subscriber + "/" + d.Bucket.String() + "/" + strconv.FormatInt(d.Number, 10)},
		"Kapivara-Attempt":  {strconv.Itoa(d.Attempt)},
	}
	if parent := traceparent(d.Events); parent != "" {
		h["traceparent"] = []string{HeaderValue(parent, maxHeader)}
	}
	return h
}

func traceparent(events []kapivara.Event) string {
	last := -1
	for i := range events {
		if last < 0 || events[i].LogPosition > events[last].LogPosition {
			last = i
		}
	}
	if last < 0 || !bytes.Contains(events[last].Attributes, []byte(`"traceparent":"`)) {
		return ""
	}
	_, rest, _ := strings.Cut(string(events[last].Attributes), `"traceparent":"`)
	parent, _, _ := strings.Cut(rest, `"`)
	return parent
}
