package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"kapivara/pkg/kapivara"
)

// The kinds of the registry, as subjects name them.
const (
	KindPublisher  = "publisher"
	KindEventType  = "event-type"
	KindSubscriber = "subscriber"
)

// DecodePublisherSet reads the body of a set of the publisher that the subject names.
func DecodePublisherSet(name string, body []byte) (p kapivara.PublisherPatch, err error) {
	var m struct {
		Name        *string         `json:"name"`
		Description json.RawMessage `json:"description"`
		Streams     json.RawMessage `json:"streams"`
	}
	if err := decodeRegistry(body, &m); err != nil {
		return p, err
	}
	if err := checkNamed("name", "a publisher", name, m.Name); err != nil {
		return p, err
	}
	reset := kapivara.NewPublisher(name)
	return p, first(
		patchField(&p.Description, m.Description, "description", reset.Description),
		patchField(&p.Streams, m.Streams, "streams", reset.Streams),
	)
}

// DecodeEventTypeSet reads the body of a set of an event type of the publisher that the subject names.
func DecodeEventTypeSet(publisher string, body []byte) (key kapivara.TypeKey, p kapivara.EventTypePatch, err error) {
	var m struct {
		Type      string          `json:"type"`
		Publisher *string         `json:"publisher"`
		Schema    json.RawMessage `json:"schema"`
		Metadata  json.RawMessage `json:"metadata"`
	}
	if err := decodeRegistry(body, &m); err != nil {
		return key, p, err
	}
	if key, err = typeKey(publisher, m.Type, m.Publisher); err != nil {
		return key, p, err
	}
	if m.Schema != nil {
		schema := []byte(nil)
		if !isNull(m.Schema) {
			schema = compact(m.Schema)
		}
		p.Schema = &schema
	}
	if m.Metadata != nil {
		metadata := []byte(m.Metadata)
		p.Metadata = &metadata
	}
	return key, p, nil
}

// compact takes white space out of JSON that was read before.
func compact(raw []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

// DecodeSubscriberSet reads the body of a set of the subscriber that the subject names.
func DecodeSubscriberSet(name string, body []byte) (p kapivara.SubscriberPatch, err error) {
	var m struct {
		Name          *string         `json:"name"`
		Description   json.RawMessage `json:"description"`
		System        json.RawMessage `json:"system"`
		Types         json.RawMessage `json:"types"`
		Streams       json.RawMessage `json:"streams"`
		Buckets       json.RawMessage `json:"buckets"`
		CanaryBuckets json.RawMessage `json:"canary_buckets"`
		Deliver       json.RawMessage `json:"deliver"`
		Start         json.RawMessage `json:"start"`
		AckWait       json.RawMessage `json:"ack_wait"`
		MaxAttempts   json.RawMessage `json:"max_attempts"`
		Backoff       json.RawMessage `json:"backoff"`
		MaxInFlight   json.RawMessage `json:"max_in_flight"`
	}
	if err := decodeRegistry(body, &m); err != nil {
		return p, err
	}
	if err := checkNamed("name", "a subscriber", name, m.Name); err != nil {
		return p, err
	}
	reset := kapivara.NewSubscriber(name)
	return p, first(
		patchField(&p.Description, m.Description, "description", reset.Description),
		patchField(&p.System, m.System, "system", reset.System),
		patchField(&p.Types, m.Types, "types", reset.Types),
		patchField(&p.Streams, m.Streams, "streams", reset.Streams),
		patchField(&p.Buckets, m.Buckets, "buckets", reset.Buckets),
		patchField(&p.CanaryBuckets, m.CanaryBuckets, "canary_buckets", reset.CanaryBuckets),
		patchField(&p.Deliver, m.Deliver, "deliver", reset.Deliver),
		patchField(&p.MaxAttempts, m.MaxAttempts, "max_attempts", reset.MaxAttempts),
		patchField(&p.MaxInFlight, m.MaxInFlight, "max_in_flight", reset.MaxInFlight),
		patchParsed(&p.Start, m.Start, "start", reset.Start, parseStart),
		patchParsed(&p.AckWait, m.AckWait, "ack_wait", reset.AckWait, parseDuration),
		patchParsed(&p.Backoff, m.Backoff, "backoff", reset.Backoff, parseDurations),
	)
}

// DecodeRegistryName reads the body of a get or a remove of a publisher or subscriber that the subject names.
func DecodeRegistryName(name string, body []byte) error {
	var m struct {
		Name *string `json:"name"`
	}
	if err := decodeRegistry(body, &m); err != nil {
		return err
	}
	return checkNamed("name", "a name", name, m.Name)
}

// DecodeEventTypeKey reads the body of a get or a remove of an event type of the publisher that the subject names.
func DecodeEventTypeKey(publisher string, body []byte) (kapivara.TypeKey, error) {
	var m struct {
		Type      string  `json:"type"`
		Publisher *string `json:"publisher"`
	}
	if err := decodeRegistry(body, &m); err != nil {
		return kapivara.TypeKey{}, err
	}
	return typeKey(publisher, m.Type, m.Publisher)
}

// Limits of a list.
const (
	registryPage    = 100
	registryMaxPage = 1000
)

// DecodeRegistryList reads the body of a list: after which name it goes on, and how many records at most.
func DecodeRegistryList(body []byte) (after string, limit int, err error) {
	var m struct {
		Cursor *string `json:"cursor"`
		Limit  *int    `json:"limit"`
	}
	if err := decodeRegistry(body, &m); err != nil {
		return "", 0, err
	}
	limit = registryPage
	if m.Limit != nil {
		limit = *m.Limit
	}
	if limit < 1 || limit > registryMaxPage {
		return "", 0, kapivara.Invalid("limit", "limit is 1 to %d, not %d", registryMaxPage, limit)
	}
	if m.Cursor == nil {
		return "", limit, nil
	}
	name, err := base64.RawURLEncoding.Strict().DecodeString(*m.Cursor)
	if err != nil || len(name) == 0 || len(name) > kapivara.MaxEventType {
		return "", 0, kapivara.Invalid("cursor", "a cursor is the next of a page before, or left out")
	}
	return string(name), limit, nil
}

func decodeRegistry(body []byte, into any) error {
	if limit := DefaultLimits().Request; len(body) > limit {
		return kapivara.Oversize("the request", limit, len(body))
	}
	return DecodeStrict(body, into)
}

// checkNamed holds the name in the subject to its form, and the one in the body, where it is given, to the subject's.
func checkNamed(path, what, subject string, body *string) error {
	if err := kapivara.CheckToken(path, what, subject); err != nil {
		return err
	}
	if body != nil && *body != subject {
		return kapivara.Invalid(path, "%s is %q in the subject and must be the same here, or left out", path, subject)
	}
	return nil
}

func typeKey(publisher, name string, body *string) (kapivara.TypeKey, error) {
	if err := checkNamed("publisher", "a publisher", publisher, body); err != nil {
		return kapivara.TypeKey{}, err
	}
	if err := kapivara.CheckEventType("type", name); err != nil {
		return kapivara.TypeKey{}, err
	}
	return kapivara.TypeKey{Publisher: publisher, Type: name}, nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
