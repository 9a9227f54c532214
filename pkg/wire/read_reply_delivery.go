package wire

import (
	"strconv"

	"kapivara/pkg/kapivara"
)

// AppendDeliveriesPage writes the reply of bucket, at most so many bytes.
func AppendDeliveriesPage(dst []byte, p *kapivara.DeliveriesPage, most int) []byte {
	return append(appendDeliveriesPage(append(dst, '{'), p, most), '}')
}

// appendDeliveriesPage writes the members deliveries and next.
func appendDeliveriesPage(dst []byte, p *kapivara.DeliveriesPage, most int) []byte {
	dst = append(dst, `"deliveries":`...)
	dst, n := appendEntries(dst, p.Rows, most, AppendDeliveryRow)
	dst = append(dst, `,"next":`...)
	if n > 0 && (n < len(p.Rows) || p.More) {
		return appendMark(dst, p.Rows[n-1].Mark())
	}
	return append(dst, "null"...)
}

// AppendSubscriberPage writes the reply of subscriber, at most so many bytes. nobody_answers is since when nobody has
// answered any delivery, null where the last ones were answered; moving how far what waits is placed by changed numbers of
// buckets, null where all of it is.
func AppendSubscriberPage(dst []byte, p *kapivara.SubscriberPage, most int) []byte {
	dst = append(dst, `{"subscriber":`...)
	dst = AppendSubscriber(dst, &p.Subscriber)
	dst = append(dst, `,"listening":`...)
	if p.Standing.Listening == nil {
		dst = append(dst, "null"...)
	} else {
		dst = strconv.AppendBool(dst, *p.Standing.Listening)
	}
	dst = append(dst, `,"last_answer":`...)
	dst = appendTimeOrNull(dst, p.Standing.LastAnswer)
	dst = append(dst, `,"nobody_answers":`...)
	dst = appendTimeOrNull(dst, p.Standing.SilentSince)
	dst = append(dst, `,"extra_answers":`...)
	dst = strconv.AppendInt(dst, p.Standing.ExtraAnswers, 10)
	dst = append(dst, `,"moving":`...)
	dst = appendMove(dst, p.Subscriber.Moving)
	dst = append(dst, `,"buckets":[`...)
	for i := range p.Buckets {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendBucketState(dst, &p.Buckets[i])
	}
	dst = append(dst, `],`...)
	return append(appendDeliveriesPage(dst, &p.Deliveries, most), '}')
}

func appendMove(dst []byte, m *kapivara.Move) []byte {
	if m == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, `{"placed":`...)
	dst = strconv.AppendInt(dst, m.Placed, 10)
	dst = append(dst, `,"until":`...)
	dst = strconv.AppendInt(dst, m.Until, 10)
	return append(dst, '}')
}

func appendBucketState(dst []byte, b *kapivara.BucketState) []byte {
	dst = append(dst, `{"bucket":`...)
	dst = appendString(dst, b.Bucket.String())
	for _, count := range [...]struct {
		name string
		n    int64
	}{
		{"pending", b.Pending},
		{"leased", b.Leased},
		{"hidden", b.Hidden},
		{"parked", b.Parked},
		{"committed", b.Committed},
		{"discarded", b.Discarded},
		{"lag", b.Lag()},
	} {
		dst = append(dst, ',', '"')
		dst = append(dst, count.name...)
		dst = append(dst, '"', ':')
		dst = strconv.AppendInt(dst, count.n, 10)
	}
	dst = append(dst, `,"lag_seconds":`...)
	dst = strconv.AppendFloat(dst, max(b.Oldest.Seconds(), 0), 'f', 3, 64)
	dst = append(dst, `,"owner":`...)
	dst = appendStringOrNull(dst, b.Owner)
	dst = append(dst, `,"epoch":`...)
	dst = strconv.AppendInt(dst, b.Epoch, 10)
	dst = append(dst, `,"last_number":`...)
	dst = strconv.AppendInt(dst, b.LastNumber, 10)
	return append(dst, '}')
}
