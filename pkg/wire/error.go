package wire

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kapivara/pkg/kapivara"
)

// The headers of a refusal, as NATS services have them.
const (
	ErrorCodeHeader = "Nats-Service-Error-Code"
	ErrorHeader     = "Nats-Service-Error"
)

// maxErrorHeader is the most bytes of ErrorHeader.
const maxErrorHeader = 512

// status pairs a code with its number in ErrorCodeHeader.
type status struct {
	code   kapivara.Code
	number int
}

// statuses is the table of protocol section 4; the first code of a number stands for it where a body is missing.
func statuses() [16]status {
	return [...]status{
		{kapivara.InvalidRequest, 400},
		{kapivara.Forbidden, 403},
		{kapivara.NotFound, 404},
		{kapivara.WrongVersion, 409},
		{kapivara.CanaryMismatch, 409},
		{kapivara.EventIDReused, 409},
		{kapivara.PositionTaken, 409},
		{kapivara.StreamFinished, 409},
		{kapivara.FinishConflict, 409},
		{kapivara.StaleToken, 409},
		{kapivara.TooLarge, 413},
		{kapivara.SchemaViolation, 422},
		{kapivara.Busy, 429},
		{kapivara.Unavailable, 503},
		{kapivara.OutcomeUnknown, 504},
		{kapivara.Internal, 500},
	}
}

// Codes are all codes in the order of protocol section 4.
func Codes() []kapivara.Code {
	table := statuses()
	codes := make([]kapivara.Code, len(table))
	for i, s := range table {
		codes[i] = s.code
	}
	return codes
}

// Status is the number of a code; 500 for one that the protocol does not name.
func Status(code kapivara.Code) int {
	for _, s := range statuses() {
		if s.code == code {
			return s.number
		}
	}
	return 500
}

// EncodeError writes a refusal: its two headers and its body.
func EncodeError(e *kapivara.Error) (headers map[string]string, body []byte) {
	headers = map[string]string{
		ErrorCodeHeader: strconv.Itoa(Status(e.Code)),
		ErrorHeader:     HeaderValue(e.Error(), maxErrorHeader),
	}
	return headers, appendError(nil, e)
}

// appendError writes {"error":{"code":…,"message":…,facts…}}.
func appendError(dst []byte, e *kapivara.Error) []byte {
	dst = append(dst, `{"error":{"code":`...)
	dst = appendString(dst, string(e.Code))
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.Message)
	if e.Facts.Path == "" && (e.Code == kapivara.InvalidRequest || e.Code == kapivara.SchemaViolation) {
		dst = append(dst, `,"path":""`...) // these always have one: it is the whole request
	}
	facts := encodeFacts(e.Facts)
	for f := e.Facts; len(facts) > MaxReply-8<<10 && len(f.Violations) > 1; { // an answer that lacks some beats none
		f.Violations = f.Violations[:len(f.Violations)/2]
		facts = encodeFacts(f)
	}
	if len(facts) > 2 {
		dst = append(dst, ',')
		dst = append(dst, facts[1:len(facts)-1]...)
	}
	return append(dst, '}', '}')
}

func encodeFacts(f kapivara.Facts) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(f) != nil {
		return nil
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// DecodeError reads a refusal back: from its body, else from the two headers, else nil where it is none. get gives the
// value of a header or "".
func DecodeError(get func(string) string, body []byte) *kapivara.Error {
	number, line := get(ErrorCodeHeader), get(ErrorHeader)
	if number == "" && line == "" {
		return nil
	}
	var reply struct {
		Error *struct {
			Code    kapivara.Code `json:"code"`
			Message string        `json:"message"`
			kapivara.Facts
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &reply); err == nil && reply.Error != nil && reply.Error.Code != "" {
		return &kapivara.Error{Code: reply.Error.Code, Message: reply.Error.Message, Facts: reply.Error.Facts}
	}
	if plain, err := url.PathUnescape(line); err == nil {
		line = plain
	}
	code, message, found := strings.Cut(line, ": ")
	if found && slices.Contains(Codes(), kapivara.Code(code)) {
		return &kapivara.Error{Code: kapivara.Code(code), Message: message}
	}
	return &kapivara.Error{Code: codeOf(number), Message: line}
}

func codeOf(number string) kapivara.Code {
	for _, s := range statuses() {
		if strconv.Itoa(s.number) == number {
			return s.code
		}
	}
	return kapivara.Internal
}
