package wire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

func TestDecodeAppendManyKeepsWhatWasSent(t *testing.T) {
	t.Parallel()
	body := ` {"conditions": [{"expect":"new","stream":"a/b/c/\u0031"},{"stream":"a/b/c/2","expect":0}],
		"appends":[{"stream":"a/b/c/d","expect":"exists","events":[{"id":"e1","type":"t","data": {"a" : 1}},{"id":"e2","type":"t","x":1}]},
		{"events":[{"id":"e3","type":"t","y":"z"}],"canary":null,"stream":"a/b/c/e"}]} `
	got, err := wire.DecodeAppendMany([]byte(body), wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	want := kapivara.AppendMany{
		Appends: []kapivara.Append{
			{Stream: "a/b/c/d", Expect: kapivara.ExpectExists(), Events: []kapivara.NewEvent{
				{ID: "e1", Type: "t", Kind: kapivara.JSONData, Data: []byte(`{"a" : 1}`)},
				{ID: "e2", Type: "t", Attributes: []byte(`"x":1`)},
			}},
			{Stream: "a/b/c/e", Events: []kapivara.NewEvent{{ID: "e3", Type: "t", Attributes: []byte(`"y":"z"`)}}},
		},
		Conditions: []kapivara.Condition{
			{Stream: "a/b/c/1", Expect: kapivara.ExpectNew()}, {Stream: "a/b/c/2", Expect: kapivara.ExpectVersion(0)},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(kapivara.Expect{})); diff != "" {
		t.Errorf("want(-) got(+):\n%s", diff)
	}
	again, err := wire.DecodeAppendMany(wire.EncodeAppendMany(nil, &got), wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again, cmp.AllowUnexported(kapivara.Expect{})); diff != "" {
		t.Errorf("written and read again: want(-) got(+):\n%s", diff)
	}
}

func TestDecodeAppendManyRefusesWithThePathAndTheAppend(t *testing.T) {
	t.Parallel()
	good := `{"stream":"a/b/c/d","events":[{"id":"e1","type":"t"}]}`
	second := func(a string) string { return `{"appends":[` + good + `,` + a + `]}` }
	condition := func(c string) string {
		return `{"appends":[` + good + `],"conditions":[{"stream":"a/b/c/d","expect":1},` + c + `]}`
	}
	const none = -1
	for _, c := range []struct {
		name, body, path string
		append           int
	}{
		{"nothing", ``, "appends", none},
		{"an empty list", `{"appends":[]}`, "appends", none},
		{"two empty lists", `{"appends":[],"conditions":[]}`, "appends", none},
		{"a list instead of a request", `[]`, "", none},
		{"two requests", `{"appends":[` + good + `]}{}`, "", none},
		{"an append by itself", good, "stream", none},
		{"an unknown field", `{"append":[]}`, "append", none},
		{"a field twice", `{"appends":[],"appends":[]}`, "appends", none},
		{"appends that are an object", `{"appends":{}}`, "appends", none},
		{"conditions that are a word", `{"conditions":"new"}`, "conditions", none},
		{"an append that is a number", second(`1`), "appends[1]", none},
		{"an append without a stream", second(`{"events":[{"id":"e2","type":"t"}]}`), "appends[1].stream", 1},
		{"an append without events", second(`{"stream":"a/b/c/e"}`), "appends[1].events", 1},
		{"an unknown field of an append", second(`{"x":1}`), "appends[1].x", 1},
		{"a wrong expect", second(`{"stream":"a/b/c/e","expect":"never"}`), "appends[1].expect", 1},
		{"an event without a type", second(`{"stream":"a/b/c/e","events":[{"id":"e2"}]}`), "appends[1].events[0].type", 1},
		{"an event of another's attribute", second(`{"stream":"a/b/c/e","events":[{"id":"e2","type":"t","publisher":"x"}]}`), "appends[1].events[0].publisher", 1},
		{"a stream twice", second(`{"stream":"a/b/c/d","events":[{"id":"e2","type":"t"}]}`), "appends[1].stream", 1},
		{"an id in two appends", second(`{"stream":"a/b/c/e","events":[{"id":"e1","type":"t"}]}`), "appends[1].events[0].id", 1},
		{"a text that ends too early", `{"appends":[` + good + `,{"stream":"a/b`, "", none},
		{"a condition that is a number", condition(`1`), "conditions[1]", none},
		{"a condition without a stream", condition(`{"expect":1}`), "conditions[1].stream", none},
		{"a condition that expects nothing", condition(`{"stream":"a/b/c/e"}`), "conditions[1].expect", none},
		{"a condition that expects null", condition(`{"stream":"a/b/c/e","expect":null}`), "conditions[1].expect", none},
		{"a condition on no stream", condition(`{"stream":"a/b","expect":1}`), "conditions[1].stream", none},
		{"a condition with a wrong word", condition(`{"stream":"a/b/c/d","expect":"old"}`), "conditions[1].expect", none},
		{"a condition with events", condition(`{"stream":"a/b/c/d","expect":1,"events":[]}`), "conditions[1].events", none},
		{"a condition's field twice", condition(`{"stream":"a/b/c/d","stream":"a/b/c/d","expect":1}`), "conditions[1].stream", none},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := wire.DecodeAppendMany([]byte(c.body), wire.DefaultLimits())
			wantManyRefusal(t, err, kapivara.InvalidRequest, c.path, c.append)
		})
	}
}

func wantManyRefusal(t *testing.T, err error, code kapivara.Code, path string, index int) {
	t.Helper()
	var refusal *kapivara.Error
	if !errors.As(err, &refusal) || refusal.Code != code || refusal.Facts.Path != path {
		t.Fatalf("got %v (%+v), want %s at %q", err, refusal, code, path)
	}
	if got := refusal.Facts.Append; (got == nil) != (index < 0) || got != nil && *got != index {
		t.Errorf("the refusal names append %v, want %d: %v", got, index, err)
	}
}

func TestDecodeAppendManyHoldsTheLimitsOverAllAppends(t *testing.T) {
	t.Parallel()
	list := func(from, n int) string {
		events := make([]string, n)
		for i := range events {
			events[i] = fmt.Sprintf(`{"id":"%d","type":"t"}`, from+i)
		}
		return strings.Join(events, ",")
	}
	two := func(first, second int) string {
		return `{"appends":[{"stream":"a/b/c/d","events":[` + list(0, first) + `]},{"stream":"a/b/c/e","events":[` + list(first, second) + `]}]}`
	}
	m, err := wire.DecodeAppendMany([]byte(two(999, 1)), wire.DefaultLimits())
	if err != nil || len(m.Appends[0].Events) != 999 || len(m.Appends[1].Events) != 1 {
		t.Errorf("1,000 events: %v", err)
	}
	_, err = wire.DecodeAppendMany([]byte(two(999, 2)), wire.DefaultLimits())
	wantManyRefusal(t, err, kapivara.TooLarge, "", 1)
	if got := err.Error(); !strings.Contains(got, "is 1001, the limit is 1000") {
		t.Errorf("1,001 events: %s", got)
	}
	conditions := strings.Repeat(`{"stream":"a/b/c/d","expect":1},`, kapivara.MaxConditions)
	if _, err = wire.DecodeAppendMany([]byte(`{"conditions":[`+conditions[:len(conditions)-1]+`]}`), wire.DefaultLimits()); err != nil {
		t.Errorf("1,000 conditions: %v", err)
	}
	_, err = wire.DecodeAppendMany([]byte(`{"conditions":[`+conditions+conditions[:len(conditions)-1]+`]}`), wire.DefaultLimits())
	wantManyRefusal(t, err, kapivara.TooLarge, "", -1)
	small := wire.DefaultLimits()
	small.Request = 10
	_, err = wire.DecodeAppendMany([]byte(two(1, 1)), small)
	wantManyRefusal(t, err, kapivara.TooLarge, "", -1)
}

func TestDecodeAppendManyReplyKnowsWhoHasAnswered(t *testing.T) {
	t.Parallel()
	want := kapivara.AppendManyResult{Appends: []kapivara.AppendResult{
		{Stream: "a/b/c/d", Version: 2, Contiguous: 2, Events: []kapivara.Placed{{ID: "x", Position: 2, LogPosition: 9, Stored: true}}},
		{Stream: "a/b/c/e", Version: 1, Contiguous: 1, Finish: 1, Complete: true, Events: []kapivara.Placed{{ID: "y", Position: 1, LogPosition: 3}}},
	}}
	got, err := wire.DecodeAppendManyReply(wire.AppendManyReply(nil, &want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want(-) got(+):\n%s", diff)
	}
	if got, err := wire.DecodeAppendManyReply([]byte(`{"appends":[],"later":{"x":1}}`)); err != nil || len(got.Appends) != 0 {
		t.Errorf("of conditions alone: %+v, %v", got, err)
	}
	for _, body := range []string{`{"stream":"S","seq":7}`, `{}`, `{"appends":null}`, ``, `[`} {
		if _, err := wire.DecodeAppendManyReply([]byte(body)); kapivara.CodeOf(err) != kapivara.Internal {
			t.Errorf("%q: got %v, want internal", body, err)
		}
	}
}

// A refusal is sent even where its violations would not fit a message.
func TestAnErrorOfManyViolationsFitsAMessage(t *testing.T) {
	t.Parallel()
	e := kapivara.Refuse(kapivara.WrongVersion, "x")
	name := "a/b/c/" + strings.Repeat("\u2028", 66) // six bytes each in JSON
	for range 2000 {
		e.Facts.Violations = append(e.Facts.Violations, kapivara.Violation{Stream: strings.Repeat(name, 2), Actual: 7})
	}
	headers, body := wire.EncodeError(e)
	if len(body) > wire.MaxReply {
		t.Fatalf("%d bytes, want at most %d", len(body), wire.MaxReply)
	}
	got := wire.DecodeError(func(k string) string { return headers[k] }, body)
	if got == nil || got.Code != kapivara.WrongVersion || len(got.Facts.Violations) < 100 {
		t.Errorf("got %v", got)
	}
}

// FuzzDecodeAppendMany holds an append-many to what its appends are by themselves.
func FuzzDecodeAppendMany(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"appends":[{"stream":"a/b/c/d","events":[{"id":"1","type":"t"}]},{"stream":"a/b/c/e","expect":1,"events":[{"id":"2","type":"t","data":[1]}]}]}`,
		`{"appends":null,"conditions":[{"stream":"a/b/c/\ud83d\ude00","expect":"exists"}]}`, `{"conditions":[{}]}`, `{"appends":[[]]}`, `{"appends":[{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := wire.DecodeAppendMany(body, wire.DefaultLimits())
		if err != nil {
			var refusal *kapivara.Error
			if !errors.As(err, &refusal) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		for i := range m.Appends {
			text := wire.EncodeAppend(nil, &m.Appends[i])
			if _, err := wire.DecodeAppend(text, wire.DefaultLimits()); err != nil && kapivara.CodeOf(err) != kapivara.TooLarge {
				t.Fatalf("append %d is refused by itself: %v\n%s", i, err, text)
			}
		}
		text := wire.EncodeAppendMany(nil, &m)
		again, err := wire.DecodeAppendMany(text, wire.DefaultLimits())
		if kapivara.CodeOf(err) == kapivara.TooLarge {
			return // a name may take more bytes when it is written anew
		}
		if diff := cmp.Diff(m, again, cmp.AllowUnexported(kapivara.Expect{})); err != nil || diff != "" {
			t.Fatalf("written and read again: %v\n%s", err, diff)
		}
	})
}
