package wire

import (
	"strings"
	"time"

	"kapivara/pkg/kapivara"
)

// AllContexts is the last token of a read subject that reads all contexts.
const AllContexts = "_"

// readContext is the context that the last token of the subject names, "" for all.
func readContext(last string) (string, error) {
	if last == AllContexts {
		return "", nil
	}
	return last, kapivara.CheckToken("", "the context in the subject", last)
}

// checkContext refuses a stream, or the prefix of one, that is not of the subject's context.
func checkContext(path, verb, context, stream string) error {
	other, _, found := strings.Cut(stream, "/")
	if context == "" || !found || other == context {
		return nil
	}
	if !kapivara.IsToken(other) {
		return kapivara.Invalid(path, "a stream begins with its context, a lower-case token; %q does not", clip(stream))
	}
	return kapivara.Invalid(path, "the context is %s, the subject's is %s: send it to %s", other, context, Read(verb, other))
}

// page are the fields that most requests share.
type page struct {
	Limit  *int    `json:"limit"`
	Cursor *string `json:"cursor"`
}

func (p *page) limit() int { return or(p.Limit, kapivara.DefaultPage) }

// or is the value, or instead where there is none.
func or[T any](value *T, instead T) T {
	if value == nil {
		return instead
	}
	return *value
}

// parseTime reads a bound of the time of recording, zero where there is none.
func parseTime(path string, s *string) (time.Time, error) {
	if s == nil {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, *s)
	if err != nil || !isTime(*s) {
		return time.Time{}, kapivara.Invalid(path, "%s is a time by RFC 3339, as in 2026-11-24T08:00:00Z", path)
	}
	return t, nil
}

// decodeRead reads a request strictly. Requests of the read service are small but for their filters.
func decodeRead(body []byte, into any) error {
	if limit := DefaultLimits().Request; len(body) > limit {
		return kapivara.Oversize("the size of the request in bytes", limit, len(body))
	}
	return DecodeStrict(body, into)
}

// DecodeReadEvent reads the request of event.<last>.
func DecodeReadEvent(last string, body []byte) (context string, id kapivara.EventID, err error) {
	var m struct {
		ID *string `json:"id"`
	}
	if err := decodeRead(body, &m); err != nil {
		return "", "", err
	}
	if context, err = readContext(last); err != nil {
		return "", "", err
	}
	if m.ID == nil {
		return "", "", kapivara.Invalid("id", "the id of the event is missing")
	}
	id, err = kapivara.ParseEventID("id", *m.ID)
	return context, id, err
}

// DecodeReadStream reads the request of stream.<last>.
func DecodeReadStream(last string, body []byte) (q kapivara.StreamQuery, err error) {
	var m struct {
		page
		Stream   *string `json:"stream"`
		From     *int    `json:"from"`
		To       *int    `json:"to"`
		Backward bool    `json:"backward"`
		Since    *string `json:"since"`
		Until    *string `json:"until"`
	}
	if err := decodeRead(body, &m); err != nil {
		return q, err
	}
	if q.Stream, err = readStream("stream", last, m.Stream); err != nil {
		return q, err
	}
	q.From, q.To, q.Limit, q.Backward = or(m.From, 1), or(m.To, 0), m.limit(), m.Backward
	if m.To != nil && *m.To < 1 {
		return q, kapivara.Invalid("to", "to is a position, 1 to %d", kapivara.MaxPosition)
	}
	if q.Since, err = parseTime("since", m.Since); err != nil {
		return q, err
	}
	if q.Until, err = parseTime("until", m.Until); err != nil {
		return q, err
	}
	q.After, err = positionCursor(m.Cursor)
	return q, err
}

// readStream is the stream of a request, that must be of the subject's context.
func readStream(verb, last string, name *string) (kapivara.Stream, error) {
	context, err := readContext(last)
	if err != nil {
		return "", err
	}
	if name == nil {
		return "", kapivara.Invalid("stream", "the stream is missing: context/system/type/id")
	}
	stream, err := kapivara.ParseStream(*name)
	if err != nil {
		return "", err
	}
	return stream, checkContext("stream", verb, context, *name)
}

// DecodeReadLog reads the request of log.<last>.
func DecodeReadLog(last string, body []byte) (q kapivara.LogQuery, wait time.Duration, err error) {
	var m struct {
		After      int64           `json:"after"`
		Limit      *int            `json:"limit"`
		Wait       *string         `json:"wait"`
		Backward   bool            `json:"backward"`
		Types      kapivara.Filter `json:"types"`
		Streams    kapivara.Filter `json:"streams"`
		Publishers kapivara.Filter `json:"publishers"`
		Since      *string         `json:"since"`
		Until      *string         `json:"until"`
	}
	if err := decodeRead(body, &m); err != nil {
		return q, 0, err
	}
	if q.Context, err = readContext(last); err != nil {
		return q, 0, err
	}
	for _, entry := range m.Streams {
		if err := checkContext("streams", "log", q.Context, entry); err != nil {
			return q, 0, err
		}
	}
	if m.Wait != nil {
		if wait, err = kapivara.ParseDuration("wait", *m.Wait); err != nil {
			return q, 0, err
		}
	}
	q.After, q.Limit, q.Backward = m.After, or(m.Limit, kapivara.DefaultPage), m.Backward
	q.Types, q.Streams, q.Publishers = m.Types, m.Streams, m.Publishers
	if q.Since, err = parseTime("since", m.Since); err != nil {
		return q, 0, err
	}
	q.Until, err = parseTime("until", m.Until)
	return q, wait, err
}

// DecodeReadStreams reads the request of streams.<last>.
func DecodeReadStreams(last string, body []byte) (q kapivara.StreamsQuery, err error) {
	var m struct {
		page
		Prefix *string              `json:"prefix"`
		State  *kapivara.Completion `json:"state"`
		Idle   *string              `json:"idle"`
		Holes  bool                 `json:"holes"`
	}
	if err := decodeRead(body, &m); err != nil {
		return q, err
	}
	if q.Context, err = readContext(last); err != nil {
		return q, err
	}
	q.Prefix, q.Holes, q.Limit = or(m.Prefix, ""), m.Holes, m.limit()
	if err := checkPrefix(q.Prefix); err != nil {
		return q, err
	}
	if err := checkContext("prefix", "streams", q.Context, q.Prefix); err != nil {
		return q, err
	}
	if m.State != nil {
		if q.State = *m.State; q.State == "" {
			return q, kapivara.Invalid("state", `state is "open" or "complete", or left out`)
		}
	}
	if m.Idle != nil {
		if q.Idle, err = kapivara.ParseDuration("idle", *m.Idle); err != nil {
			return q, err
		}
	}
	q.After, err = streamCursor(m.Cursor)
	return q, err
}

// checkPrefix refuses what no stream's name begins with, so that it need not be looked for.
func checkPrefix(prefix string) error {
	if len(prefix) > kapivara.MaxFilterEntry {
		return kapivara.Invalid("prefix", "a prefix has at most %d bytes, this one has %d", kapivara.MaxFilterEntry, len(prefix))
	}
	for _, c := range prefix {
		if c < 0x20 || c >= 0x7f && c < 0xa0 {
			return kapivara.Invalid("prefix", "a prefix holds no control characters")
		}
	}
	return nil
}

// DecodeReadExplain reads the request of explain.<last>; the subscriber is "" for all.
func DecodeReadExplain(last string, body []byte) (stream kapivara.Stream, subscriber string, err error) {
	var m struct {
		Stream     *string `json:"stream"`
		Subscriber *string `json:"subscriber"`
	}
	if err := decodeRead(body, &m); err != nil {
		return "", "", err
	}
	if stream, err = readStream("explain", last, m.Stream); err != nil {
		return "", "", err
	}
	if m.Subscriber == nil {
		return stream, "", nil
	}
	return stream, *m.Subscriber, kapivara.CheckToken("subscriber", "a subscriber", *m.Subscriber)
}
