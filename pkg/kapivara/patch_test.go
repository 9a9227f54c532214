package kapivara

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

func code(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func registry(open bool) *Registry {
	p := NewPublisher("loans-api")
	s := NewSubscriber("billing")
	s.No = 1
	return &Registry{
		Open:       open,
		Publishers: map[string]*Publisher{"loans-api": &p},
		Types: map[string]*EventType{
			"opened": {Kind: 1, Type: "opened", Publisher: "loans-api", Metadata: []byte(`{"a":1,"b":{"c":2,"d":3}}`)},
		},
		Subscribers: []*Subscriber{&s},
	}
}

func TestSetChangesOnlyTheFieldsThatAreThere(t *testing.T) {
	t.Parallel()
	r := registry(true)
	got, change, err := r.SetSubscriber("billing", SubscriberPatch{AckWait: ptr(5 * time.Second), Start: &Start{After: 99}}, 7)
	if err != nil {
		t.Fatal(err)
	}
	if got.AckWait != 5*time.Second || got.MaxAttempts != 10 || got.No != 1 || change.SetSubscriber != got {
		t.Errorf("got %+v, change %+v", got, change)
	}
	if r.Subscribers[0].AckWait != 30*time.Second {
		t.Error("the registry's own record has changed")
	}
}

func TestSetOfTheSameChangesNothing(t *testing.T) {
	t.Parallel()
	r := registry(true)
	_, change, err := r.SetSubscriber("billing", SubscriberPatch{Buckets: ptr(8), Types: ptr(Any())}, 7)
	if err != nil || !change.None() {
		t.Errorf("subscriber: change %+v, error %v", change, err)
	}
	_, change, err = r.SetPublisher("loans-api", PublisherPatch{Streams: ptr(Any())})
	if err != nil || !change.None() {
		t.Errorf("publisher: change %+v, error %v", change, err)
	}
	_, change, err = r.SetEventType(TypeKey{"loans-api", "opened"}, EventTypePatch{Metadata: ptr([]byte(`{"b":{"c":2}}`))})
	if err != nil || !change.None() {
		t.Errorf("event type: change %+v, error %v", change, err)
	}
}

func TestMetadataIsMerged(t *testing.T) {
	t.Parallel()
	for patch, want := range map[string]string{
		`{"b":{"c":null},"e":1e400}`: `{"a":1,"b":{"d":3},"e":1e400}`,
		`{"a":[null,"<"]}`:           `{"a":[null,"<"],"b":{"c":2,"d":3}}`,
		`{"a":null,"b":null}`:        ``,
		`null`:                       ``,
	} {
		got, _, err := registry(true).SetEventType(TypeKey{"loans-api", "opened"}, EventTypePatch{Metadata: ptr([]byte(patch))})
		if err != nil || string(got.Metadata) != want {
			t.Errorf("%s: got %s, error %v, want %s", patch, got.Metadata, err, want)
		}
	}
}

func TestRefusedSets(t *testing.T) {
	t.Parallel()
	many := Filter{}
	for range MaxFilter {
		many = append(many, strings.Repeat("x", 200))
	}
	for name, c := range map[string]struct {
		err  error
		want Code
	}{
		"a mode of its own":            {second(registry(true).SetSubscriber("s", SubscriberPatch{Deliver: ptr(Mode("sometimes"))}, 0)), InvalidRequest},
		"start beyond the head":        {second(registry(true).SetSubscriber("s", SubscriberPatch{Start: &Start{After: 8}}, 7)), InvalidRequest},
		"an endless backoff":           {second(registry(true).SetSubscriber("s", SubscriberPatch{Backoff: ptr([]time.Duration{1 << 62})}, 7)), InvalidRequest},
		"NUL in a description":         {second(registry(true).SetPublisher("p", PublisherPatch{Description: ptr("a\x00")})), InvalidRequest},
		"a huge filter":                {second(registry(true).SetPublisher("p", PublisherPatch{Streams: &many})), TooLarge},
		"another publisher's type":     {second(registry(true).SetEventType(TypeKey{"other", "opened"}, EventTypePatch{})), Forbidden},
		"a strict registry's stranger": {second(registry(false).SetEventType(TypeKey{"other", "new"}, EventTypePatch{})), NotFound},
		"metadata that is a list":      {second(registry(true).SetEventType(TypeKey{"other", "new"}, EventTypePatch{Metadata: ptr([]byte(`[]`))})), InvalidRequest},
	} {
		if got := code(c.err); got != c.want {
			t.Errorf("%s: got %q (%v), want %q", name, got, c.err, c.want)
		}
	}
}

func second[R any](_ R, _ Change, err error) error { return err }

func TestDrops(t *testing.T) {
	t.Parallel()
	r := registry(true)
	if _, err := r.DropPublisher("loans-api"); code(err) != InvalidRequest {
		t.Errorf("a publisher that owns types: %v", err)
	}
	if _, err := r.DropPublisher("other"); code(err) != NotFound {
		t.Errorf("no publisher: %v", err)
	}
	if _, err := r.DropEventType(TypeKey{"other", "opened"}); code(err) != NotFound {
		t.Errorf("another publisher's type: %v", err)
	}
	if _, err := r.DropSubscriber("other"); code(err) != NotFound {
		t.Errorf("no subscriber: %v", err)
	}
	if c, err := r.DropSubscriber("billing"); err != nil || c.RemoveSubscriber != r.Subscribers[0] {
		t.Errorf("got %+v, error %v", c, err)
	}
}

func TestAnOpenRegistrySetsThePublisherWithItsType(t *testing.T) {
	t.Parallel()
	_, change, err := registry(true).SetEventType(TypeKey{"other", "new"}, EventTypePatch{})
	if err != nil || change.SetPublisher == nil || change.SetPublisher.Name != "other" || change.SetType == nil {
		t.Errorf("change %+v, error %v", change, err)
	}
}

func TestPageOfOrdersByName(t *testing.T) {
	t.Parallel()
	name := func(s string) string { return s }
	page, more := PageOf([]string{"c", "a", "d", "b"}, name, "a", 2)
	if len(page) != 2 || page[0] != "b" || page[1] != "c" || !more {
		t.Errorf("got %v, more %v", page, more)
	}
	if page, more = PageOf([]string{"c", "a"}, name, "b", 1); len(page) != 1 || more {
		t.Errorf("got %v, more %v", page, more)
	}
}
