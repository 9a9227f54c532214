package wire

import (
	"encoding/json"
	"strconv"
	"time"

	"kapivara/pkg/kapivara"
)

// DecodeSettle reads a settle request: {"token","answer","delay"?,"reason"?}. Here an unknown answer is an invalid_request.
func DecodeSettle(body []byte) (token string, answer kapivara.Answer, err error) {
	var m struct {
		Token  string           `json:"token"`
		Answer kapivara.Verdict `json:"answer"`
		Delay  json.RawMessage  `json:"delay"`
		Reason string           `json:"reason"`
	}
	if err := DecodeStrict(body, &m); err != nil {
		return "", kapivara.Answer{}, err
	}
	answer = kapivara.Answer{Verdict: m.Answer, Delay: Backoff, Reason: Reason(m.Reason)}
	switch m.Answer {
	case kapivara.Ack, kapivara.Nak, kapivara.Progress, kapivara.Term:
	default:
		return "", kapivara.Answer{}, kapivara.Invalid("answer", `answer is "ack", "nak", "progress" or "term"`)
	}
	if m.Token == "" {
		return "", kapivara.Answer{}, kapivara.Invalid("token", "the token of the delivery is missing")
	}
	if !isNull(m.Delay) {
		if m.Answer != kapivara.Nak {
			return "", kapivara.Answer{}, kapivara.Invalid("delay", "a delay goes with nak only")
		}
		if answer.Delay, err = parseDelay(m.Delay); err != nil {
			return "", kapivara.Answer{}, err
		}
	}
	return m.Token, answer, nil
}

// EncodeSettle writes a settle request.
func EncodeSettle(token string, a kapivara.Answer) []byte {
	dst := append([]byte(nil), `{"token":`...)
	dst = appendString(dst, token)
	dst = append(dst, `,"answer":`...)
	dst = appendString(dst, string(a.Verdict))
	if a.Verdict == kapivara.Nak && a.Delay >= 0 {
		dst = append(dst, `,"delay":`...)
		dst = strconv.AppendInt(dst, int64(a.Delay), 10)
	}
	if a.Reason != "" {
		dst = append(dst, `,"reason":`...)
		dst = appendString(dst, a.Reason)
	}
	return append(dst, '}')
}

// extended is how a confirmed progress is called on the wire; its delivery stays leased.
const extended = "extended"

// AppendSettled writes what a confirmed answer has come to.
func AppendSettled(dst []byte, s kapivara.Settled) []byte {
	name := string(s.State)
	if s.State == kapivara.Leased {
		name = extended
	}
	dst = append(dst, `{"settled":`...)
	dst = appendString(dst, name)
	switch s.State {
	case kapivara.Hidden:
		dst = append(dst, `,"until":`...)
		dst = appendTimeOrNull(dst, s.Until)
	case kapivara.Leased:
		dst = append(dst, `,"deadline":`...)
		dst = appendTimeOrNull(dst, s.Deadline)
	default: // the others have no time
	}
	return append(dst, '}')
}

// DecodeSettled reads what AppendSettled writes.
func DecodeSettled(body []byte) (kapivara.Settled, error) {
	var m struct {
		Settled  kapivara.State `json:"settled"`
		Until    time.Time      `json:"until"`
		Deadline time.Time      `json:"deadline"`
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Settled == "" {
		return kapivara.Settled{}, kapivara.Refuse(kapivara.Internal, "the confirmation of the answer is no JSON of Kapivara")
	}
	if m.Settled == extended {
		m.Settled = kapivara.Leased
	}
	return kapivara.Settled{State: m.Settled, Until: m.Until, Deadline: m.Deadline}, nil
}
