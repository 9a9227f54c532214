package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
)

// statuses are those of protocol section 4.
func statuses() map[string]string {
	return map[string]string{
		"invalid_request": "400", "forbidden": "403", "not_found": "404", "wrong_version": "409", "canary_mismatch": "409",
		"event_id_reused": "409", "position_taken": "409", "stream_finished": "409", "finish_conflict": "409", "stale_token": "409",
		"too_large": "413", "schema_violation": "422", "busy": "429", "unavailable": "503", "outcome_unknown": "504", "internal": "500",
	}
}

// bad is a request that has to be refused, with the code and exactly the facts of the refusal as JSON, "" where any path
// will do.
type bad struct {
	name, subject, body string
	code, facts         string
}

// refused sends a bad request and says what is wrong with the refusal.
func (b *bad) refused(c caller) error {
	msg, err := c.Request(b.subject, []byte(b.body), c.within)
	if err != nil {
		return err
	}
	var body struct {
		Error map[string]json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &body); err != nil || body.Error == nil {
		return fmt.Errorf("got %.300q, want a refusal", msg.Data)
	}
	var code, message string
	_ = json.Unmarshal(body.Error["code"], &code) // compared below
	_ = json.Unmarshal(body.Error["message"], &message)
	if code != b.code {
		return fmt.Errorf("got %.300s, want %s", msg.Data, b.code)
	}
	delete(body.Error, "code")
	delete(body.Error, "message")
	if err := b.sameFacts(body.Error); err != nil {
		return fmt.Errorf("%w in %.300s", err, msg.Data)
	}
	return headersOf(msg, code, message)
}

func (b *bad) sameFacts(got map[string]json.RawMessage) error {
	if b.facts == "" {
		if path := string(got["path"]); len(path) <= 2 || len(got) != 1 {
			return fmt.Errorf("facts: got %s, want a path alone", encode(got))
		}
		return nil
	}
	var want map[string]any
	if err := json.Unmarshal([]byte(b.facts), &want); err != nil {
		return err
	}
	if encode(got) != encode(want) && !sameJSON(got, want) {
		return fmt.Errorf("facts: got %s, want %s", encode(got), b.facts)
	}
	return nil
}

func sameJSON(a, b any) bool {
	normal := func(v any) string {
		var plain any
		_ = json.Unmarshal([]byte(encode(v)), &plain) // it was just encoded
		return encode(plain)
	}
	return normal(a) == normal(b)
}

// headersOf checks the two headers: the status, and one line of printable ASCII.
func headersOf(msg *nats.Msg, code, message string) error {
	if got, want := msg.Header.Get("Nats-Service-Error-Code"), statuses()[code]; got != want {
		return fmt.Errorf("header with the status: got %q, want %q", got, want)
	}
	line := msg.Header.Get("Nats-Service-Error")
	if !strings.HasPrefix(line, code+": ") || len(line) > 512 || len(message) == 0 || len(message) > 1024 {
		return fmt.Errorf("header with the error: got %d bytes, %.100q; message of %d bytes", len(line), line, len(message))
	}
	for _, c := range []byte(line) {
		if c < ' ' || c > '~' {
			return fmt.Errorf("header with the error: holds byte %#x", c)
		}
	}
	for _, secret := range []string{"SQLSTATE", "pgx", "kapivara.events", ".go:", "goroutine"} {
		if strings.Contains(line+message, secret) {
			return fmt.Errorf("the refusal speaks of %q: %q", secret, line)
		}
	}
	return nil
}

// rows counts what is stored, table by table.
func rows(t *testing.T, pgURL string) map[string]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, pgURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	counts := map[string]int{}
	for _, table := range []string{"events", "streams", "kinds", "publishers", "event_types", "subscribers", "outbox", "deliveries", "commits", "retries"} {
		var n int
		if err := conn.QueryRow(ctx, "select count(*) from kapivara."+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

// Bad input of every kind gets its code and its facts, and stores nothing.
func TestBadInputIsRefusedWithItsFactsAndStoresNothing(t *testing.T) {
	t.Parallel()
	url, pgURL := startBus(t)
	c := dial(t, url)
	stand(c)
	before, head := rows(t, pgURL), c.head()
	for _, b := range slices.Concat(badBodies(), badEvents(), badStates(), badReads(), badRecords(), badPulls(), badOperators()) {
		t.Run(b.name, func(t *testing.T) {
			if err := b.refused(c); err != nil {
				t.Errorf("%s %.120q: %v", b.subject, b.body, err)
			}
		})
	}
	if got := c.head(); got != head {
		t.Errorf("the log's head: got %d, want %d", got, head)
	}
	if after := rows(t, pgURL); !maps.Equal(after, before) {
		t.Errorf("rows: got %v, want %v", after, before)
	}
}

// stand is what the bad requests run into.
func stand(c caller) {
	c.t.Helper()
	var reply map[string]any
	for _, r := range []struct{ subject, body string }{
		{"kapivara.v1.registry.publisher.set.p", `{}`},
		{"kapivara.v1.registry.publisher.set.narrow", `{"streams": ["x/*"]}`},
		{"kapivara.v1.registry.event-type.set.other", `{"type": "owned"}`},
		{"kapivara.v1.registry.event-type.set.p", `{"type": "t"}`},
		{"kapivara.v1.registry.event-type.set.narrow", `{"type": "n"}`},
		{"kapivara.v1.registry.event-type.set.p", `{"type": "priced", "schema": {"type": "object", "properties": {"price": {"type": "number"}}}}`},
		{"kapivara.v1.registry.subscriber.set.sub", `{"buckets": 2, "streams": ["none/*"]}`},
		{"kapivara.v1.append.p", `{"stream": "a/b/c/open", "events": [{"id": "e1", "type": "t", "position": 1}, {"id": "e3", "type": "t", "position": 3}]}`},
		{"kapivara.v1.append.p", `{"stream": "a/b/c/done", "events": [{"id": "d1", "type": "t"}, {"id": "d2", "type": "t", "final": true}]}`},
		{"kapivara.v1.append.p", `{"stream": "a/b/c/hole", "events": [{"id": "h2", "type": "t", "position": 2, "final": true}]}`},
		{"kapivara.v1.append.p", `{"stream": "a/b/c/canary", "canary": true, "events": [{"id": "k1", "type": "t"}]}`},
	} {
		c.ask(r.subject, r.body, &reply)
	}
}
