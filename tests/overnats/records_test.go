package overnats_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kapivara/pkg/client"
	"kapivara/pkg/kapivara"
)

// fullFilter has as many bytes as a filter may have, all of them escaped in JSON.
func fullFilter(kind string) client.Filter {
	const entry = kapivara.MaxFilterEntry
	f := client.Filter{}
	for i := range kapivara.MaxFilterBytes / entry {
		f = append(f, fmt.Sprintf("%s%03d", kind, i)+strings.Repeat(`"`, entry-4))
	}
	return f
}

func TestTheLargestRecordsAreReadAndListed(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	const many = 4 // each change reads all records, so the work grows with its fourth power
	patch := client.SubscriberPatch{
		Description: to(strings.Repeat("\"", kapivara.MaxDescription)), Types: to(fullFilter("t")), Streams: to(fullFilter("s")),
		Buckets: to(kapivara.MaxBuckets), Backoff: to(slices.Repeat([]string{"31622400000ms"}, kapivara.MaxBackoff)),
	}
	schema := client.RawJSON(`{"title":"` + strings.Repeat(`\"`, (kapivara.MaxSchema-12)/2) + `"}`)
	metadata := client.RawJSON(`{"a":"` + strings.Repeat(`\"`, (kapivara.MaxMetadata-8)/2) + `"}`)
	b.append(t, "shop/web/order/1", event("a", true))
	for i := range many {
		b.set(t, fmt.Sprint("s", i), patch)
		name := fmt.Sprint("p", i)
		if _, err := b.SetPublisher(t.Context(), name, client.PublisherPatch{Description: patch.Description, Streams: patch.Streams}); err != nil {
			t.Fatal(err)
		}
		for k := range many {
			_, err := b.SetEventType(t.Context(), name, fmt.Sprint(i, "-", k), client.EventTypePatch{Schema: schema, Metadata: metadata})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	count := 0
	for s, err := range b.Subscribers(t.Context()) {
		if err != nil || !slices.Equal(s.Types, *patch.Types) || !slices.Equal(s.Streams, *patch.Streams) || s.Description != *patch.Description {
			t.Fatalf("subscriber %d: %s, %v", count, s.Name, err)
		}
		count++
	}
	for p, err := range b.Publishers(t.Context()) {
		if err != nil || p.Name != "clerk" && !slices.Equal(p.Streams, *patch.Streams) {
			t.Fatalf("publisher %s: %v", p.Name, err)
		}
		count++
	}
	for e, err := range b.EventTypes(t.Context()) {
		if err != nil || e.Publisher != "clerk" && (string(e.Schema) != string(schema) || string(e.Metadata) != string(metadata)) {
			t.Fatalf("event type %s: %v", e.Type, err)
		}
		count++
	}
	if want := many + (many + 1) + (many*many + 1); count != want {
		t.Errorf("the lists have %d records, want %d", count, want)
	}
	state, err := b.SubscriberState(t.Context(), "s0", client.SubscriberQuery{})
	if err != nil || !slices.Equal(state.Subscriber.Types, *patch.Types) {
		t.Errorf("the state of the subscriber: %v", err)
	}
	explained, err := b.Explain(t.Context(), "shop/web/order/1", "")
	if err != nil || len(explained.Subscribers) != many {
		t.Errorf("explained for %d subscribers, %v", len(explained.Subscribers), err)
	}
	larger := append(fullFilter("t"), "x")
	if _, err := b.SetSubscriber(t.Context(), "s0", client.SubscriberPatch{Types: &larger}); client.CodeOf(err) != client.TooLarge {
		t.Errorf("a byte more: %v", err)
	}
	if _, err := b.SetEventType(t.Context(), "p0", "0-0", client.EventTypePatch{Schema: append(client.RawJSON(`{"$comment":"x",`), schema[1:]...)}); client.CodeOf(err) != client.TooLarge {
		t.Errorf("a larger schema: %v", err)
	}
}
