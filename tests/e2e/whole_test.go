package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// cloudEvent is an event as it is read or delivered.
type cloudEvent struct {
	SpecVersion  string          `json:"specversion"`
	ID           string          `json:"id"`
	Source       string          `json:"source"`
	Type         string          `json:"type"`
	Time         string          `json:"time"`
	Stream       string          `json:"stream"`
	Position     int             `json:"position"`
	Final        bool            `json:"final"`
	Publisher    string          `json:"publisher"`
	RecordedTime time.Time       `json:"recordedtime"`
	LogPosition  string          `json:"logposition"`
	ContentType  string          `json:"datacontenttype"`
	Data         json.RawMessage `json:"data"`
}

// whole says what is wrong with the content of a delivery.
func (l *ledger) whole(d *delivery) error {
	n := len(l.stored[d.Stream])
	switch {
	case d.Subscriber != subscriber || d.Buckets != buckets || d.Canary || d.Cause != "complete" || !d.Complete:
		return fmt.Errorf("got %+v", d)
	case d.From != 1 || d.To != n || d.Version != n || d.Finish != n || len(d.Events) != n:
		return fmt.Errorf("from %d to %d, version %d, finish %d, %d events; want all %d", d.From, d.To, d.Version, d.Finish, len(d.Events), n)
	case d.Token == "" || d.Deadline.IsZero() || d.AckWait != "500ms":
		return fmt.Errorf("token %q, deadline %v, ack_wait %q", d.Token, d.Deadline, d.AckWait)
	}
	for name, want := range map[string]string{
		"Kapivara-Stream":   d.Stream,
		"Kapivara-Delivery": fmt.Sprintf("%s/%s/%d", d.Subscriber, d.Bucket, d.Number),
		"Kapivara-Attempt":  strconv.Itoa(d.Attempt),
	} {
		if got := d.header.Get(name); got != want {
			return fmt.Errorf("header %s: got %q, want %q", name, got, want)
		}
	}
	for i, raw := range d.Events {
		if err := l.same(d.Stream, i+1, raw); err != nil {
			return fmt.Errorf("event %d: %w", i+1, err)
		}
	}
	return nil
}

// same compares an event with the one that was sent for this position.
func (l *ledger) same(stream string, position int, raw []byte) error {
	var e cloudEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		return err
	}
	sent := l.stored[stream][position]
	want := cloudEvent{
		SpecVersion: "1.0", ID: sent.ID, Type: sent.Type, Time: sent.Time, Stream: stream, Position: position, Final: sent.Final,
		Publisher: publisher, LogPosition: strconv.FormatInt(l.places[sent.ID].LogPosition, 10), ContentType: "application/json",
		Source: sourceOf(stream),
	}
	if e.RecordedTime.IsZero() || string(e.Data) != string(sent.Data) {
		return fmt.Errorf("got recordedtime %v and data %q, want data %q", e.RecordedTime, e.Data, sent.Data)
	}
	e.RecordedTime, e.Data = time.Time{}, nil
	if got, want := encode(e), encode(want); got != want {
		return fmt.Errorf("got %s, want %s", got, want)
	}
	return nil
}

// sourceOf is the default source: /<context>/<system>/<publisher>.
func sourceOf(stream string) string {
	slashes := 0
	for i, c := range stream {
		if c != '/' {
			continue
		}
		if slashes++; slashes == 2 {
			return "/" + stream[:i] + "/" + publisher
		}
	}
	return ""
}

// checkStore reads the final state, through the reader and by SQL: the log as it was answered, the holes as they were
// made, one commit for each delivery, and nothing left in the outbox.
func checkStore(t *testing.T, c caller, pgURL string, l *ledger) {
	t.Helper()
	idAt := make([]string, l.last+1)
	for id, p := range l.places {
		idAt[p.LogPosition] = id
	}
	read := int64(0)
	for more := true; more; {
		var page struct {
			Events []struct {
				ID          string `json:"id"`
				LogPosition string `json:"logposition"`
			}
			Next, Head int64
			More       bool
		}
		c.ask("kapivara.v1.read.log.e2e", fmt.Sprintf(`{"after": %d, "limit": 5000}`, read), &page)
		for _, e := range page.Events {
			read++
			if e.LogPosition != strconv.FormatInt(read, 10) || read > l.last || idAt[read] != e.ID {
				t.Fatalf("log position %d: got %s at %s", read, e.ID, e.LogPosition)
			}
		}
		more = page.More
	}
	if read != l.last {
		t.Errorf("the log ends at %d, want %d", read, l.last)
	}
	checkHoles(t, c, l)

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, pgURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var events, commits, deliveries, outbox, retries int
	err = conn.QueryRow(ctx, `select (select count(*) from kapivara.events), (select count(*) from kapivara.commits),
		(select count(*) from kapivara.deliveries), (select count(*) from kapivara.outbox), (select count(*) from kapivara.retries)`).
		Scan(&events, &commits, &deliveries, &outbox, &retries)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(l.completed); events != int(l.last) || commits != n || deliveries != n || outbox != 0 || retries != 0 {
		t.Errorf("rows: got %d events, %d commits, %d deliveries, %d due, %d retries; want %d, %d, %d, 0, 0",
			events, commits, deliveries, outbox, retries, l.last, n, n)
	}
}

// checkHoles lists the open streams: those of the expectation, each with the one position that is missing.
func checkHoles(t *testing.T, c caller, l *ledger) {
	t.Helper()
	holes := map[string]string{}
	for cursor := "null"; cursor != ""; {
		var page struct {
			Streams []struct {
				Stream  string
				Missing json.RawMessage
			}
			Next *string
		}
		c.ask("kapivara.v1.read.streams.e2e", `{"state": "open", "limit": 1000, "cursor": `+cursor+`}`, &page)
		for _, s := range page.Streams {
			holes[s.Stream] = string(s.Missing)
		}
		cursor = ""
		if page.Next != nil {
			cursor = encode(*page.Next)
		}
	}
	want := map[string]string{}
	for name, position := range l.log.want.Missing {
		want[l.log.prefix+"/"+name] = fmt.Sprintf("[[%d,%d]]", position, position)
	}
	if !maps.Equal(holes, want) {
		t.Errorf("open streams: got %v, want %v", holes, want)
	}
}
