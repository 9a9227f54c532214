package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

type strictRequest struct {
	Name   string          `json:"name"`
	Count  *int            `json:"count"`
	List   []strictItem    `json:"list"`
	Map    map[string]bool `json:"map"`
	Raw    json.RawMessage `json:"raw"`
	Expect kapivara.Expect `json:"expect"`
	hidden int
	strictPage
}

type strictItem struct {
	Inner string `json:"inner"`
}

type strictPage struct {
	Limit *int `json:"limit"`
}

func TestDecodeStrictReadsWhatFits(t *testing.T) {
	t.Parallel()
	var r strictRequest
	body := ` {"name":"\u00fc","count":3,"list":[{"inner":"x"},{}],"map":{"a":true},"raw":{"a":1,"a":2,"b":"\ud800"},"expect":"new","limit":9} `
	if err := wire.DecodeStrict([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	if r.Name != "ü" || *r.Count != 3 || len(r.List) != 2 || r.List[0].Inner != "x" || !r.Map["a"] || *r.Limit != 9 ||
		r.Expect != kapivara.ExpectNew() || string(r.Raw) != `{"a":1,"a":2,"b":"\ud800"}` {
		t.Errorf("got %+v", r)
	}
}

func TestDecodeStrictTakesAnEmptyBodyAsAnEmptyObject(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", " \r\n\t", "{}", `{"name":null,"list":null}`} {
		r := strictRequest{Name: "default"}
		if err := wire.DecodeStrict([]byte(body), &r); err != nil || r.Name != "default" {
			t.Errorf("%q: got %+v, %v; want what was there before", body, r, err)
		}
	}
}

func TestDecodeStrictRefusesWithThePath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, path string }{
		{"a list", `[]`, ""},
		{"null", `null`, ""},
		{"malformed JSON", `{"name":}`, ""},
		{"a byte order mark", "\ufeff{}", ""},
		{"no UTF-8", "{\"name\":\"\xff\"}", ""},
		{"two values", `{}{}`, ""},
		{"an unknown field", `{"nam":1}`, "nam"},
		{"another case", `{"Name":"x"}`, "Name"},
		{"a field that is not exported", `{"hidden":1}`, "hidden"},
		{"the name of an embedded struct", `{"strictPage":{}}`, "strictPage"},
		{"an unknown field inside", `{"list":[{},{"x":1}]}`, "list[1].x"},
		{"a field twice", `{"name":"a","n\u0061me":"b"}`, "name"},
		{"a key of a map twice", `{"map":{"a":true,"a":false}}`, "map.a"},
		{"a wrong type", `{"name":1}`, "name"},
		{"a wrong type inside", `{"list":[{},{"inner":1}]}`, "list[1].inner"},
		{"a wrong kind inside", `{"list":[{},[]]}`, "list[1]"},
		{"a number that is too large", `{"count":99999999999999999999}`, "count"},
		{"a broken number", `{"count":1.5}`, "count"},
		{"a bad value of a type of ours", `{"expect":"never"}`, "expect"},
		{"a lone surrogate", `{"name":"\ud800x"}`, "name"},
		{"a lone surrogate in a key", `{"map":{"\ud800":true}}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := wire.DecodeStrict([]byte(c.body), &strictRequest{hidden: 1})
			var refusal *kapivara.Error
			if !errors.As(err, &refusal) || refusal.Code != kapivara.InvalidRequest {
				t.Fatalf("got %v, want invalid_request", err)
			}
			if refusal.Facts.Path != c.path {
				t.Errorf("path: got %q, want %q (%v)", refusal.Facts.Path, c.path, err)
			}
		})
	}
}

func TestDecodeStrictBoundsTheNesting(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"raw":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
		strings.Repeat(`{"raw":`, 20000),
	} {
		if err := wire.DecodeStrict([]byte(body), &strictRequest{}); kapivara.CodeOf(err) != kapivara.TooLarge {
			t.Errorf("%.40s: got %v, want too_large", body, err)
		}
	}
}

func FuzzDecodeStrict(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"name":"\u00fc","count":3,"list":[{"inner":"x"},{}],"map":{"a":true},"raw":[1,{"a":1}],"expect":2,"limit":9}`,
		`{"list":[[]]}`, `{"name":"\ud800"}`, `{"expect":{}}`, `[`, `{"map":{"":null}}`, `{"Raw":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got strictRequest
		err := wire.DecodeStrict(body, &got)
		if err != nil {
			var refusal *kapivara.Error
			if !errors.As(err, &refusal) || refusal.Code != kapivara.InvalidRequest && refusal.Code != kapivara.TooLarge {
				t.Fatalf("%v is no invalid_request and no too_large", err)
			}
			if !utf8.ValidString(err.Error()) {
				t.Fatalf("the message is no UTF-8: %q", err.Error())
			}
			return
		}
		var want strictRequest
		if len(strings.Trim(string(body), " \t\r\n")) == 0 {
			return
		}
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("encoding/json refuses what we take: %v", err)
		}
		if got.Name != want.Name || got.Expect != want.Expect || len(got.List) != len(want.List) || string(got.Raw) != string(want.Raw) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}
