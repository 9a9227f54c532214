package wire

import "kapivara/pkg/kapivara"

// DecodeReadBucket reads the request of bucket.<subscriber>.
func DecodeReadBucket(subscriber string, body []byte) (q kapivara.DeliveriesQuery, err error) {
	var m struct {
		page
		Bucket *string         `json:"bucket"`
		State  *kapivara.State `json:"state"`
	}
	if err := decodeRead(body, &m); err != nil {
		return q, err
	}
	if q, err = deliveriesQuery(subscriber, &m.page, m.State); err != nil {
		return q, err
	}
	bucket, err := readBucket(m.Bucket)
	q.Bucket = &bucket
	return q, err
}

// DecodeReadSubscriber reads the request of subscriber.<subscriber>.
func DecodeReadSubscriber(subscriber string, body []byte) (q kapivara.DeliveriesQuery, err error) {
	var m struct {
		page
		State *kapivara.State `json:"state"`
	}
	if err := decodeRead(body, &m); err != nil {
		return q, err
	}
	return deliveriesQuery(subscriber, &m.page, m.State)
}

func deliveriesQuery(subscriber string, p *page, state *kapivara.State) (q kapivara.DeliveriesQuery, err error) {
	if err := checkSubscriber(subscriber); err != nil {
		return q, err
	}
	if state != nil && *state == "" {
		return q, kapivara.Invalid("state", "state is pending, leased, hidden, parked, committed or discarded, or left out")
	}
	q.Subscriber, q.Limit, q.State = subscriber, p.limit(), or(state, "")
	q.After, err = markCursor(p.Cursor)
	return q, err
}

func checkSubscriber(name string) error {
	return kapivara.CheckToken("", "the subscriber in the subject", name)
}

func readBucket(name *string) (kapivara.Bucket, error) {
	if name == nil {
		return 0, kapivara.Invalid("bucket", `the bucket is missing: "0", "1" … or "canary-0" …`)
	}
	return kapivara.ParseBucket("bucket", *name)
}

// DecodeReadLastCommitted reads the request of last-committed.<subscriber>.
func DecodeReadLastCommitted(subscriber string, body []byte) (kapivara.Bucket, error) {
	var m struct {
		Bucket *string `json:"bucket"`
	}
	if err := decodeRead(body, &m); err != nil {
		return 0, err
	}
	if err := checkSubscriber(subscriber); err != nil {
		return 0, err
	}
	return readBucket(m.Bucket)
}

// DecodeReadDelivery reads the request of delivery.<subscriber>.
func DecodeReadDelivery(subscriber string, body []byte) (q kapivara.DeliveryQuery, err error) {
	var m struct {
		page
		Bucket *string `json:"bucket"`
		Number *int64  `json:"number"`
		From   *int    `json:"from"`
	}
	if err := decodeRead(body, &m); err != nil {
		return q, err
	}
	if err := checkSubscriber(subscriber); err != nil {
		return q, err
	}
	q.Subscriber, q.Number, q.From, q.Limit = subscriber, or(m.Number, 0), or(m.From, 0), m.limit()
	if m.From != nil && *m.From < 1 {
		return q, kapivara.Invalid("from", "from is a position, 1 to %d", kapivara.MaxPosition)
	}
	if q.Bucket, err = readBucket(m.Bucket); err != nil {
		return q, err
	}
	q.After, err = positionCursor(m.Cursor)
	return q, err
}
