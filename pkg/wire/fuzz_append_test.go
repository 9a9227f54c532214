package wire_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// FuzzDecodeAppend holds the scanner against encoding/json: they agree on what is JSON, and on the values.
func FuzzDecodeAppend(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"stream":"a/b/c/d","events":[{"id":"1","type":"t"}]}`,
		request(`,"data":{"a":[1,-0.5e+7,"\u00e9\n",true,false,null,{}]},"position":2,"final":true`),
		request(`,"data_base64":"AAEC/w==","time":"2026-01-31T09:30:00Z","subject":"\ud83d\ude00","n":-1`),
		`{"stream":"a/b/c/\ud83d\ude00","expect":"new","canary":false,"events":[{"id":"1","type":"t"},{"id":"2","type":"t"}]}`,
		`{"stream":"a/b/c/\ud800"}`, `{"expect":12,"events":[[]]}`, "\ufeff{}", `[1e131071]`, `{"a":"\x"}`, `{"data":01}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := wire.DecodeAppend(bytes.Clone(body), wire.DefaultLimits())
		valid := json.Valid(body) || len(bytes.Trim(body, " \t\r\n")) == 0
		if err != nil {
			var refusal *kapivara.Error
			if !errors.As(err, &refusal) {
				t.Fatalf("%v is no refusal", err)
			}
			if valid && utf8.Valid(body) && strings.HasPrefix(refusal.Message, "malformed JSON") {
				t.Fatalf("encoding/json takes what we call %v", err)
			}
			return
		}
		if !valid {
			t.Fatal("encoding/json refuses what we take")
		}
		agree(t, body, &a)
	})
}

func agree(t *testing.T, body []byte, a *kapivara.Append) {
	t.Helper()
	var want struct {
		Stream string
		Expect kapivara.Expect
		Canary *bool
		Events []map[string]json.RawMessage
	}
	if err := json.Unmarshal(body, &want); err != nil {
		t.Fatal(err)
	}
	if string(a.Stream) != want.Stream || a.Expect != want.Expect || (a.Canary == nil) != (want.Canary == nil) ||
		a.Canary != nil && *a.Canary != *want.Canary || len(a.Events) != len(want.Events) {
		t.Fatalf("got %+v, want %+v", a, want)
	}
	for i := range a.Events {
		agreeEvent(t, &a.Events[i], want.Events[i])
	}
}

func agreeEvent(t *testing.T, e *kapivara.NewEvent, want map[string]json.RawMessage) {
	t.Helper()
	text := func(name string) (s string) {
		if err := json.Unmarshal(orNull(want[name]), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	id := text("id")
	if e.ID.IsUUID() {
		id = strings.ToLower(id)
	}
	if string(e.ID) != id || e.Type != text("type") || e.Source != text("source") || e.Time != text("time") {
		t.Fatalf("got %+v, want %s", e, want)
	}
	switch e.Kind {
	case kapivara.JSONData:
		if !bytes.Equal(e.Data, want["data"]) {
			t.Fatalf("data: got %q, want %q", e.Data, want["data"])
		}
	case kapivara.BinaryData:
		if data, err := base64.StdEncoding.Strict().DecodeString(text("data_base64")); err != nil || !bytes.Equal(data, e.Data) {
			t.Fatalf("data_base64: got %q, want %q", e.Data, data)
		}
	case kapivara.NoData:
	}
	var attributes map[string]json.RawMessage
	if err := json.Unmarshal([]byte("{"+string(e.Attributes)+"}"), &attributes); err != nil {
		t.Fatalf("attributes %s: %v", e.Attributes, err)
	}
	for name, value := range attributes {
		if !bytes.Equal(value, want[name]) {
			t.Fatalf("%s: got %s, want %s", name, value, want[name])
		}
	}
	core := map[string]bool{
		"id": true, "type": true, "source": true, "time": true, "data": true, "data_base64": true,
		"position": true, "final": true, "specversion": true,
	}
	for name, value := range want {
		if _, there := attributes[name]; !there && !core[name] && string(value) != "null" {
			t.Fatalf("the attribute %s is lost", name)
		}
	}
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}
