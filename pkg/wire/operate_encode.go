package wire

import (
	"encoding/json"
	"strconv"
	"time"

	"kapivara/pkg/kapivara"
)

// EncodeOperate writes what DecodeOperate reads.
func EncodeOperate(o *kapivara.Operation) []byte {
	m := memberList{dst: []byte{'{'}}
	if len(o.Numbers) > 0 {
		m.name("numbers")
		m.dst = append(m.dst, '[')
		for i, n := range o.Numbers {
			if i > 0 {
				m.dst = append(m.dst, ',')
			}
			m.dst = append(m.dst, `{"bucket":`...)
			m.dst = appendString(m.dst, n.Bucket.String())
			m.dst = append(m.dst, `,"number":`...)
			m.dst = append(strconv.AppendInt(m.dst, n.Number, 10), '}')
		}
		m.dst = append(m.dst, ']')
	}
	m.text("stream", string(o.Stream))
	m.text("state", string(o.State))
	m.bucket(o.Bucket)
	switch {
	case o.Verb != kapivara.Hide:
	case o.Until.IsZero():
		m.name("delay")
		m.dst = strconv.AppendInt(m.dst, int64(o.Delay), 10)
	default:
		m.text("until", o.Until.UTC().Format(time.RFC3339Nano))
	}
	m.text("reason", o.Reason)
	m.dryRun(o.DryRun)
	return append(m.dst, '}')
}

// EncodeReplay writes what DecodeReplay reads.
func EncodeReplay(r *kapivara.Replay) []byte {
	m := memberList{dst: []byte{'{'}}
	if r.Since.IsZero() {
		m.name("after")
		m.dst = strconv.AppendInt(m.dst, r.After, 10)
	} else {
		m.text("since", r.Since.UTC().Format(time.RFC3339Nano))
	}
	if r.To > 0 {
		m.name("to")
		m.dst = strconv.AppendInt(m.dst, r.To, 10)
	}
	m.bucket(r.Bucket)
	m.text("stream", string(r.Stream))
	m.dryRun(r.DryRun)
	return append(m.dst, '}')
}

// memberList writes an object of which only what is set is there.
type memberList struct{ dst []byte }

func (m *memberList) name(name string) {
	if len(m.dst) > 1 {
		m.dst = append(m.dst, ',')
	}
	m.dst = append(appendString(m.dst, name), ':')
}

func (m *memberList) text(name, value string) {
	if value != "" {
		m.name(name)
		m.dst = appendString(m.dst, value)
	}
}

func (m *memberList) bucket(b *kapivara.Bucket) {
	if b != nil {
		m.text("bucket", b.String())
	}
}

func (m *memberList) dryRun(is bool) {
	if is {
		m.name("dry_run")
		m.dst = append(m.dst, "true"...)
	}
}

// AppendChanged writes how many deliveries an operator's verb has changed.
func AppendChanged(dst []byte, n int) []byte {
	return append(strconv.AppendInt(append(dst, `{"changed":`...), int64(n), 10), '}')
}

// DecodeChanged reads what AppendChanged writes.
func DecodeChanged(body []byte) (int, error) {
	var m struct {
		Changed *int `json:"changed"`
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Changed == nil {
		return 0, kapivara.Refuse(kapivara.Internal, "the answer says not how many deliveries were changed")
	}
	return *m.Changed, nil
}
