package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kapivara/pkg/kapivara"
)

// MaxReason is the most bytes of a reason that are kept.
const MaxReason = 200

// Backoff is the delay of an answer that leaves it to the subscriber's backoff.
const Backoff = time.Duration(-1)

// ParseReply reads the reply to a pushed delivery (protocol section 7). failure is its Nats-Service-Error header. There
// is no wrong reply: what is none of the four answers is a nak with its beginning as the reason. Only the
// acknowledgement of a JetStream stream laid over our subjects is to be ignored.
func ParseReply(body []byte, failure string) (answer kapivara.Answer, ignore bool) {
	if failure != "" {
		return nak(failure), false
	}
	text := bytes.TrimSpace(body)
	word, rest := text, []byte(nil)
	if i := bytes.IndexAny(text, " \t\r\n"); i > 0 {
		word, rest = text[:i], bytes.TrimSpace(text[i:])
	}
	switch string(word) {
	case "+ACK":
		if len(rest) == 0 {
			return kapivara.Answer{Verdict: kapivara.Ack, Delay: Backoff}, false
		}
	case "+WPI":
		if len(rest) == 0 {
			return kapivara.Answer{Verdict: kapivara.Progress, Delay: Backoff}, false
		}
	case "+TERM":
		return kapivara.Answer{Verdict: kapivara.Term, Delay: Backoff, Reason: Reason(string(rest))}, false
	case "-NAK":
		if len(rest) == 0 {
			return nak(""), false
		}
		if a, ok := nakWith(rest); ok {
			return a, false
		}
	}
	if IsPubAck(text) {
		return kapivara.Answer{}, true
	}
	return nak(string(text)), false
}

func nak(reason string) kapivara.Answer {
	return kapivara.Answer{Verdict: kapivara.Nak, Delay: Backoff, Reason: Reason(reason)}
}

// nakWith reads {"delay": "10s"} or {"delay": 10000000000}, and a reason, as the SDK sends it.
func nakWith(body []byte) (kapivara.Answer, bool) {
	var m struct {
		Delay  json.RawMessage `json:"delay"`
		Reason string          `json:"reason"`
	}
	if json.Unmarshal(body, &m) != nil {
		return kapivara.Answer{}, false
	}
	a := nak(m.Reason)
	if isNull(m.Delay) {
		return a, true
	}
	delay, err := parseDelay(m.Delay)
	a.Delay = delay
	return a, err == nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// parseDelay reads a duration of the protocol or a number of nanoseconds.
func parseDelay(raw json.RawMessage) (time.Duration, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return kapivara.ParseDuration("delay", text)
	}
	if n, ok := integer(raw); ok && n >= 0 {
		return time.Duration(n), nil
	}
	if f, err := strconv.ParseFloat(string(raw), 64); err == nil && f >= 0 && f < math.MaxInt64/2 {
		return time.Duration(f), nil
	}
	return 0, kapivara.Invalid("delay", `a delay is a duration as in "10s", or a number of nanoseconds`)
}

// IsPubAck tells whether the text is an object with a stream and a seq: the acknowledgement of a JetStream stream that is
// laid over our subjects, which answers whoever sends there.
func IsPubAck(text []byte) bool {
	if len(text) == 0 || text[0] != '{' || !bytes.Contains(text, []byte(`"seq"`)) {
		return false
	}
	var ack struct {
		Stream *string      `json:"stream"`
		Seq    *json.Number `json:"seq"`
	}
	return json.Unmarshal(text, &ack) == nil && ack.Stream != nil && ack.Seq != nil
}

// Reason makes outside text fit to be kept as a reason: its first 200 bytes, cut between characters, without control
// characters, and with U+FFFD where it is no UTF-8.
func Reason(text string) string {
	if len(text) > MaxReason {
		cut := MaxReason
		for cut > MaxReason-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	for len(text) > MaxReason { // what was no UTF-8 has grown
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// FormatAnswer writes an answer as the reply to a pushed delivery.
func FormatAnswer(a kapivara.Answer) []byte {
	switch a.Verdict {
	case kapivara.Ack:
		return []byte("+ACK")
	case kapivara.Progress:
		return []byte("+WPI")
	case kapivara.Term:
		return []byte(strings.TrimSpace("+TERM " + a.Reason))
	case kapivara.Nak, kapivara.TakenAway: // the second is no subscriber's answer
	}
	if a.Delay < 0 && a.Reason == "" {
		return []byte("-NAK")
	}
	dst := []byte("-NAK {")
	if a.Delay >= 0 {
		dst = append(dst, `"delay":`...)
		dst = strconv.AppendInt(dst, int64(a.Delay), 10)
	}
	if a.Reason != "" {
		if a.Delay >= 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `"reason":`...)
		dst = appendString(dst, a.Reason)
	}
	return append(dst, '}')
}
