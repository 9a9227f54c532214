package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func storedEvent() kapivara.Event {
	return kapivara.Event{
		NewEvent: kapivara.NewEvent{
			ID: "e \"1\"\\", Type: "T02 ü", Source: "/s", Time: "2026-01-31T09:30:00+01:00", Position: 7, Final: true,
			Kind: kapivara.JSONData, Data: []byte(`{"a" : [1e131071, "\ud800"]}`),
			Attributes: []byte(`"subject":"\"datacontenttype\\\"","datacontenttype":"application/cloud+json","n":-1`),
		},
		Stream: "lending/loans/application/A-1/é", Publisher: "loans-api",
		Recorded: time.Date(2026, 1, 31, 8, 30, 0, 1000, time.UTC), LogPosition: 10293,
	}
}

func TestAnEventGoesThereAndBack(t *testing.T) {
	t.Parallel()
	json := storedEvent()
	binary := storedEvent()
	binary.Kind, binary.Data, binary.Attributes = kapivara.BinaryData, []byte{0, 255}, []byte(`"datacontenttype":"x/y"`)
	none := storedEvent()
	none.Kind, none.Data, none.Attributes, none.Final = kapivara.NoData, nil, nil, false
	for name, want := range map[string]kapivara.Event{"JSON": json, "binary": binary, "no data": none} {
		raw := wire.AppendEvent(nil, &want)
		got, err := wire.DecodeEvent(raw)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, raw)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: want(-) got(+):\n%s", name, diff)
		}
	}
}

func TestAnEventIsShownWithItsDefaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind kapivara.DataKind
		attributes,
		contentType any
	}{
		"JSON":                           {kapivara.JSONData, "", "application/json"},
		"binary":                         {kapivara.BinaryData, "", "application/octet-stream"},
		"no data":                        {kapivara.NoData, "", nil},
		"a subject that looks like it":   {kapivara.JSONData, `"subject":"\"datacontenttype\":"`, "application/json"},
		"a subject of that value":        {kapivara.JSONData, `"subject":"datacontenttype"`, "application/json"},
		"a content type without data":    {kapivara.NoData, `"datacontenttype":"a/b"`, "a/b"},
		"a content type of the sender's": {kapivara.JSONData, `"datacontenttype":"a/b"`, "a/b"},
	} {
		e := kapivara.Event{
			NewEvent: kapivara.NewEvent{ID: "e", Type: "t", Position: 1, Kind: c.kind, Data: []byte("1"), Attributes: []byte(c.attributes.(string))},
			Stream:   "a/b/c/d", Publisher: "p", Recorded: time.Date(2026, 1, 31, 9, 30, 0, 0, time.FixedZone("", 3600)), LogPosition: 1,
		}
		var got map[string]any
		if err := json.Unmarshal(wire.AppendEvent(nil, &e), &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got["datacontenttype"] != c.contentType {
			t.Errorf("%s: datacontenttype: got %v, want %v", name, got["datacontenttype"], c.contentType)
		}
		for attribute, want := range map[string]any{
			"source": "/a/b/p", "time": "2026-01-31T08:30:00.000000Z", "recordedtime": "2026-01-31T08:30:00.000000Z", "logposition": "1",
			"specversion": "1.0",
		} {
			if got[attribute] != want {
				t.Errorf("%s: %s: got %v, want %v", name, attribute, got[attribute], want)
			}
		}
	}
}

func TestDecodeEventRefusesWhatIsNoStoredEvent(t *testing.T) {
	t.Parallel()
	whole := storedEvent()
	raw := string(wire.AppendEvent(nil, &whole))
	for _, c := range []struct{ name, old, instead, path string }{
		{"no stream", `"stream":`, `"stram":`, "stream"},
		{"no position", `"position":7`, `"position":null`, "position"},
		{"no log position", `"logposition":"10293"`, `"logposition":null`, "logposition"},
		{"a log position as number", `"logposition":"10293"`, `"logposition":10293`, "logposition"},
		{"a log position of 20 digits", `"10293"`, `"10000000000000000000"`, "logposition"},
		{"a bad stream", "lending/loans", "Lending/loans", "stream"},
		{"a bad publisher", `"loans-api"`, `"Loans"`, "publisher"},
		{"a bad recordedtime", "2026-01-31T08:30:00.000001Z", "yesterday", "recordedtime"},
		{"cut off", `"specversion":"1.0",`, ``, ""},
		{"no UTF-8", "lending", "\xff", ""},
		{"more behind it", `{"specversion"`, ` {"specversion"`, ""},
	} {
		text := strings.Replace(raw, c.old, c.instead, 1)
		if text == raw {
			t.Fatalf("%s: nothing replaced", c.name)
		}
		switch c.name {
		case "cut off":
			text = text[:len(text)-1]
		case "more behind it":
			text += "x"
		}
		_, err := wire.DecodeEvent([]byte(text))
		var refusal *kapivara.Error
		if !errors.As(err, &refusal) || refusal.Code != kapivara.InvalidRequest || refusal.Facts.Path != c.path {
			t.Errorf("%s: got %v at %q, want invalid_request at %q", c.name, err, pathOf(refusal), c.path)
		}
	}
}

func pathOf(e *kapivara.Error) string {
	if e == nil {
		return ""
	}
	return e.Facts.Path
}

// FuzzDecodeEvent: what is taken is written again, and that reads back the same.
func FuzzDecodeEvent(f *testing.F) {
	e := storedEvent()
	f.Add(wire.AppendEvent(nil, &e))
	f.Add([]byte(`{"id":"1","type":"t","stream":"a/b/c/d","position":1,"logposition":"1","publisher":"p","recordedtime":"2026-01-31T08:30:00Z","data_base64":"AA=="}`))
	f.Add([]byte(`{"id":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		first, err := wire.DecodeEvent(raw)
		if err != nil {
			return
		}
		if !json.Valid(raw) {
			t.Fatal("encoding/json refuses what we take")
		}
		if first.Publisher == "" || first.Recorded.IsZero() {
			return // an event of a service has them
		}
		again := wire.AppendEvent(nil, &first)
		second, err := wire.DecodeEvent(again)
		if err != nil {
			t.Fatalf("what we write we refuse: %v\n%s", err, again)
		}
		third := wire.AppendEvent(nil, &second)
		if string(third) != string(again) {
			t.Fatalf("got %s, want %s", third, again)
		}
	})
}
