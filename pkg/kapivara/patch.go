package kapivara

import (
	"bytes"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of what a registry record holds besides its names, in bytes.
const (
	MaxSchema      = 64 << 10
	MaxMetadata    = 16 << 10
	MaxFilterBytes = 64 << 10 // the entries of one filter together, so that every record fits a reply
)

// PublisherPatch changes the fields that are not nil.
type PublisherPatch struct {
	Description *string
	Streams     *Filter
}

// EventTypePatch changes the fields that are not nil. A schema is replaced as a whole, nil takes it away; metadata is
// merged member by member, the JSON null puts it back to none.
type EventTypePatch struct {
	Schema   *[]byte
	Metadata *[]byte
}

// SubscriberPatch changes the fields that are not nil.
type SubscriberPatch struct {
	Description   *string
	System        *string
	Types         *Filter
	Streams       *Filter
	Buckets       *int
	CanaryBuckets *int
	Deliver       *Mode
	Start         *Start
	AckWait       *time.Duration
	MaxAttempts   *int
	Backoff       *[]time.Duration
	MaxInFlight   *int
}

// Apply gives the publisher with the patch's fields, unchecked.
func (p PublisherPatch) Apply(to Publisher) Publisher {
	put(&to.Description, p.Description)
	put(&to.Streams, p.Streams)
	return to
}

// Apply gives the event type with the patch's fields. Metadata that is no JSON object is refused.
func (p EventTypePatch) Apply(to EventType) (EventType, error) {
	put(&to.Schema, p.Schema)
	if p.Metadata == nil {
		return to, nil
	}
	merged, err := mergeObject(to.Metadata, *p.Metadata)
	to.Metadata = merged
	return to, err
}

// Apply gives the subscriber with the patch's fields, unchecked.
func (p SubscriberPatch) Apply(to Subscriber) Subscriber {
	put(&to.Description, p.Description)
	put(&to.System, p.System)
	put(&to.Types, p.Types)
	put(&to.Streams, p.Streams)
	put(&to.Buckets, p.Buckets)
	put(&to.CanaryBuckets, p.CanaryBuckets)
	put(&to.Deliver, p.Deliver)
	put(&to.Start, p.Start)
	put(&to.AckWait, p.AckWait)
	put(&to.MaxAttempts, p.MaxAttempts)
	put(&to.Backoff, p.Backoff)
	put(&to.MaxInFlight, p.MaxInFlight)
	return to
}

func put[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// Check refuses an event type with a bad name, schema or metadata. Whether the schema is one is for others to tell.
func (t *EventType) Check() error {
	if err := CheckToken("publisher", "a publisher", t.Publisher); err != nil {
		return err
	}
	if err := CheckEventType("type", t.Type); err != nil {
		return err
	}
	if len(t.Schema) > MaxSchema {
		return Oversize("the schema", MaxSchema, len(t.Schema))
	}
	if len(t.Metadata) > MaxMetadata {
		return Oversize("the metadata", MaxMetadata, len(t.Metadata))
	}
	return nil
}

// same tells whether a set would change nothing.
func (p *Publisher) same(o *Publisher) bool {
	return p.Description == o.Description && slices.Equal(p.Streams, o.Streams)
}

func (t *EventType) same(o *EventType) bool {
	return t.Publisher == o.Publisher && bytes.Equal(t.Schema, o.Schema) && bytes.Equal(t.Metadata, o.Metadata)
}

func (s *Subscriber) same(o *Subscriber) bool {
	return s.Description == o.Description && s.System == o.System && slices.Equal(s.Types, o.Types) &&
		slices.Equal(s.Streams, o.Streams) && s.Buckets == o.Buckets && s.CanaryBuckets == o.CanaryBuckets &&
		s.Deliver == o.Deliver && s.Start == o.Start && s.AckWait == o.AckWait && s.MaxAttempts == o.MaxAttempts &&
		slices.Equal(s.Backoff, o.Backoff) && s.MaxInFlight == o.MaxInFlight
}

func checkFilterSize(path string, f Filter) error {
	size := 0
	for _, entry := range f {
		size += len(entry)
	}
	if size > MaxFilterBytes {
		return Oversize("the filter "+path, MaxFilterBytes, size)
	}
	return nil
}

const maxDelay = 366 * 24 * time.Hour

func checkBackoff(delays []time.Duration) error {
	for _, d := range delays {
		if d < 0 || d > maxDelay {
			return Invalid("backoff", "a duration of backoff is at most %s", FormatDuration(maxDelay))
		}
	}
	return nil
}

// firstOf is the first error that is one.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkFreeText refuses what PostgreSQL or a terminal would not take; lines and tabs are fine.
func checkFreeText(path, s string) error {
	plain := strings.NewReplacer("\n", " ", "\t", " ").Replace(s)
	if !utf8.ValidString(s) || hasControl(plain) {
		return Invalid(path, "%s is UTF-8 without control characters", path)
	}
	return nil
}
