package wire

import (
	"encoding/json"
	"strconv"

	"kapivara/pkg/kapivara"
)

// operateBody are the members of the request of an operator's verb.
type operateBody struct {
	Numbers []struct {
		Bucket *string `json:"bucket"`
		Number *int64  `json:"number"`
	} `json:"numbers"`
	Stream *string         `json:"stream"`
	State  *kapivara.State `json:"state"`
	Bucket *string         `json:"bucket"`
	Until  *string         `json:"until"`
	Delay  json.RawMessage `json:"delay"`
	Reason string          `json:"reason"`
	DryRun bool            `json:"dry_run"`
}

// DecodeOperate reads the request of delivery.<verb>: which deliveries, by exactly one of numbers, stream and state, and
// for hide until when.
func DecodeOperate(verb kapivara.Verb, body []byte) (o kapivara.Operation, err error) {
	var m operateBody
	if err := decodeRead(body, &m); err != nil {
		return o, err
	}
	o = kapivara.Operation{Verb: verb, Reason: Reason(m.Reason), DryRun: m.DryRun}
	if o.Numbers, err = m.numbers(); err != nil {
		return o, err
	}
	if m.Stream != nil {
		if o.Stream, err = kapivara.ParseStream(*m.Stream); err != nil {
			return o, err
		}
	}
	if m.State != nil {
		if o.State = *m.State; o.State == "" {
			return o, kapivara.Invalid("state", "state is pending, leased, hidden or parked, or left out")
		}
	}
	if m.Bucket != nil {
		bucket, err := kapivara.ParseBucket("bucket", *m.Bucket)
		if err != nil {
			return o, err
		}
		o.Bucket = &bucket
	}
	if err := m.time(&o); err != nil {
		return o, err
	}
	return o, o.Check()
}

func (m *operateBody) numbers() ([]kapivara.Numbering, error) {
	if m.Numbers != nil && len(m.Numbers) == 0 {
		return nil, kapivara.Invalid("numbers", "name one delivery at least, or leave numbers out")
	}
	var numbers []kapivara.Numbering
	seen := map[kapivara.Numbering]bool{}
	for i, n := range m.Numbers {
		path := "numbers[" + strconv.Itoa(i) + "]"
		if n.Bucket == nil || n.Number == nil || *n.Number < 1 {
			return nil, kapivara.Invalid(path, `a delivery is named by its bucket and its number: {"bucket": "3", "number": 1042}`)
		}
		bucket, err := kapivara.ParseBucket(path+".bucket", *n.Bucket)
		if err != nil {
			return nil, err
		}
		if at := (kapivara.Numbering{Bucket: bucket, Number: *n.Number}); !seen[at] {
			seen[at] = true
			numbers = append(numbers, at)
		}
	}
	return numbers, nil
}

// time reads until when hide hides.
func (m *operateBody) time(o *kapivara.Operation) (err error) {
	delayed := !isNull(m.Delay)
	switch hides := o.Verb == kapivara.Hide; {
	case !hides && m.Until != nil:
		return kapivara.Invalid("until", "until goes with hide only")
	case !hides && delayed:
		return kapivara.Invalid("delay", "a delay goes with hide only")
	case hides && delayed == (m.Until != nil):
		return kapivara.Invalid("until", "say until when by exactly one of until and delay")
	case delayed:
		o.Delay, err = parseDelay(m.Delay)
	case hides:
		o.Until, err = parseTime("until", m.Until)
	}
	return err
}

// DecodeReplay reads the request of delivery.replay.
func DecodeReplay(body []byte) (r kapivara.Replay, err error) {
	var m struct {
		After  *int64  `json:"after"`
		Since  *string `json:"since"`
		To     *int64  `json:"to"`
		Bucket *string `json:"bucket"`
		Stream *string `json:"stream"`
		DryRun bool    `json:"dry_run"`
	}
	if err := decodeRead(body, &m); err != nil {
		return r, err
	}
	if (m.After != nil) == (m.Since != nil) {
		return r, kapivara.Invalid("after", "say where to begin by exactly one of after (a log position, 0 for all) and since (a time)")
	}
	if m.To != nil && *m.To < 1 {
		return r, kapivara.Invalid("to", "to is a log position, 1 or more")
	}
	r = kapivara.Replay{After: or(m.After, 0), To: or(m.To, 0), DryRun: m.DryRun}
	if r.Since, err = parseTime("since", m.Since); err != nil {
		return r, err
	}
	if m.Bucket != nil {
		bucket, err := kapivara.ParseBucket("bucket", *m.Bucket)
		if err != nil {
			return r, err
		}
		r.Bucket = &bucket
	}
	if m.Stream != nil {
		if r.Stream, err = kapivara.ParseStream(*m.Stream); err != nil {
			return r, err
		}
	}
	return r, r.Check()
}
