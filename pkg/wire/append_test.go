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

const streamA = `"stream":"lending/loans/application/A-1"`

// request wraps the members of one event in an append.
func request(members string) string {
	return `{` + streamA + `,"events":[{"id":"e1","type":"t"` + members + `}]}`
}

func TestDecodeAppendKeepsWhatWasSent(t *testing.T) {
	t.Parallel()
	canary := true
	body := ` {"stream" : "lending/loans/application/A\u002d1/ü x", "expect":7, "canary":true, "events":[
		{"id":"01890A5D-AC96-774B-BCCE-B302099A8057", "type":"application.submitted", "position":3, "final":true,
		 "specversion":"1.0", "source":"/a", "time":"2026-01-31T09:30:00.120+01:00", "subject":"\ud83d\ude00", "x1" : -5 ,
		 "ok":false, "gone":null, "stream":null, "datacontenttype":"application/cloud+json", "data": {"a" : [1e131071, "\ud800"]} },
		{"id":"e2","type":"t","position":1,"data":null,"expiry":2147483647},
		{"id":"e3","type":"T02 Check confirmation","position":2,"data_base64":"AAEC/w==","dataschema":"urn:x","data":null}
	]}`
	body = strings.Replace(body, `,"data":null}`, `}`, 1)
	got, err := wire.DecodeAppend([]byte(body), wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	want := kapivara.Append{
		Stream: "lending/loans/application/A-1/ü x", Expect: kapivara.ExpectVersion(7), Canary: &canary,
		Events: []kapivara.NewEvent{
			{
				ID: "01890a5d-ac96-774b-bcce-b302099a8057", Type: "application.submitted", Position: 3, Final: true, Source: "/a",
				Time: "2026-01-31T09:30:00.120+01:00", Kind: kapivara.JSONData, Data: []byte(`{"a" : [1e131071, "\ud800"]}`),
				Attributes: []byte(`"subject":"\ud83d\ude00","x1":-5,"ok":false,"datacontenttype":"application/cloud+json"`),
			},
			{
				ID: "e2", Type: "t", Position: 1, Kind: kapivara.JSONData, Data: []byte("null"),
				Attributes: []byte(`"expiry":2147483647`),
			},
			{
				ID: "e3", Type: "T02 Check confirmation", Position: 2, Kind: kapivara.BinaryData, Data: []byte{0, 1, 2, 255},
				Attributes: []byte(`"dataschema":"urn:x"`),
			},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(kapivara.Expect{})); diff != "" {
		t.Errorf("want(-) got(+):\n%s", diff)
	}
}

func TestDecodeAppendRefusesWithThePath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, path string }{
		{"nothing", ``, "stream"},
		{"white space", " \n", "stream"},
		{"an empty object", `{}`, "stream"},
		{"no events", `{` + streamA + `}`, "events"},
		{"events that are null", `{` + streamA + `,"events":null}`, "events"},
		{"an empty list of events", `{` + streamA + `,"events":[]}`, "events"},
		{"a list instead of a request", `[]`, ""},
		{"a byte order mark", "\ufeff" + request(""), ""},
		{"a NUL", request("") + "\x00", ""},
		{"two requests", request("") + request(""), ""},
		{"bytes that are no UTF-8", request(`,"subject":"` + "\xff" + `"`), ""},
		{"an unknown field", `{"streams":"a/b/c/d"}`, "streams"},
		{"a field in another case", `{"Stream":"a/b/c/d"}`, "Stream"},
		{"a field twice", `{` + streamA + `,` + streamA + `}`, "stream"},
		{"a field twice, once escaped", `{` + streamA + `,"str\u0065am":"a/b/c/d"}`, "stream"},
		{"a stream of three parts", `{"stream":"a/b/c"}`, "stream"},
		{"a stream that is a number", `{"stream":1}`, "stream"},
		{"a stream with a lone surrogate", `{"stream":"a/b/c/\ud800"}`, "stream"},
		{"a stream with a swapped pair", `{"stream":"a/b/c/\udc00\ud800"}`, "stream"},
		{"a stream with a NUL", `{"stream":"a/b/c/\u0000"}`, "stream"},
		{"an unknown word as expect", `{"expect":"never"}`, "expect"},
		{"a broken number as expect", `{"expect":1.5}`, "expect"},
		{"a negative expect", `{"expect":-1}`, "expect"},
		{"an object as expect", `{"expect":{}}`, "expect"},
		{"a canary that is a string", `{"canary":"true"}`, "canary"},
		{"events that are an object", `{"events":{}}`, "events"},
		{"an event that is a string", `{"events":["x"]}`, "events[0]"},
		{"no id", `{` + streamA + `,"events":[{"type":"t"}]}`, "events[0].id"},
		{"an id that is null", `{` + streamA + `,"events":[{"id":null,"type":"t"}]}`, "events[0].id"},
		{"an empty id", `{` + streamA + `,"events":[{"id":"","type":"t"}]}`, "events[0].id"},
		{"an id of 129 bytes", `{"events":[{"id":"` + strings.Repeat("x", 129) + `"}]}`, "events[0].id"},
		{"an id with a lone surrogate", `{"events":[{"id":"\udfff"}]}`, "events[0].id"},
		{"no type", `{` + streamA + `,"events":[{"id":"x"}]}`, "events[0].type"},
		{"a type with a *", `{"events":[{"type":"a.*"}]}`, "events[0].type"},
		{"the id of another event", `{` + streamA + `,"events":[{"id":"x","type":"t"},{"id":"x","type":"t"}]}`, "events[1].id"},
		{"another specversion", request(`,"specversion":"0.3"`), "events[0].specversion"},
		{"an empty source", request(`,"source":""`), "events[0].source"},
		{"a source with a line break", request(`,"source":"a\nb"`), "events[0].source"},
		{"a date as time", request(`,"time":"2026-01-31"`), "events[0].time"},
		{"31 February", request(`,"time":"2026-02-31T00:00:00Z"`), "events[0].time"},
		{"a time as number", request(`,"time":1}`), "events[0].time"},
		{"position 0", request(`,"position":0`), "events[0].position"},
		{"position 2147483648", request(`,"position":2147483648`), "events[0].position"},
		{"position 1.0", request(`,"position":1.0`), "events[0].position"},
		{"a position in words", request(`,"position":"1"`), "events[0].position"},
		{"a position of 1000 digits", request(`,"position":1` + strings.Repeat("0", 999)), "events[0].position"},
		{"final as number", request(`,"final":1`), "events[0].final"},
		{"data and data_base64", request(`,"data":null,"data_base64":""`), "events[0].data_base64"},
		{"base64 without padding", request(`,"data_base64":"AA"`), "events[0].data_base64"},
		{"base64 of URLs", request(`,"data_base64":"_-8="`), "events[0].data_base64"},
		{"base64 with a line break", request(`,"data_base64":"AAAA\nAAAA"`), "events[0].data_base64"},
		{"base64 with bits left over", request(`,"data_base64":"AB=="`), "events[0].data_base64"},
		{"a stream in an event", request(`,"stream":"a/b/c/d"`), "events[0].stream"},
		{"a publisher in an event", request(`,"publisher":"x"`), "events[0].publisher"},
		{"a recordedtime", request(`,"recordedtime":"2026-01-31T09:30:00Z"`), "events[0].recordedtime"},
		{"a logposition", request(`,"logposition":"1"`), "events[0].logposition"},
		{"an attribute twice", request(`,"id":"e2"`), "events[0].id"},
		{"an attribute twice, once null", request(`,"final":null,"final":true`), "events[0].final"},
		{"an extension twice", request(`,"foo":1,"foo":2`), "events[0].foo"},
		{"an extension in upper case", request(`,"Foo":1`), "events[0].Foo"},
		{"an extension with a _", request(`,"foo_bar":null`), "events[0].foo_bar"},
		{"an extension without a name", request(`,"":1`), "events[0]."},
		{"an extension of 65 letters", request(`,"` + strings.Repeat("x", 65) + `":1`), "events[0]." + strings.Repeat("x", 65)},
		{"an extension that is an object", request(`,"foo":{}`), "events[0].foo"},
		{"an extension that is a list", request(`,"foo":[]`), "events[0].foo"},
		{"an extension that is a broken number", request(`,"foo":1.5`), "events[0].foo"},
		{"an extension of 33 bits", request(`,"foo":2147483648`), "events[0].foo"},
		{"an extension with a lone surrogate", request(`,"foo":"\ud83d"`), "events[0].foo"},
		{"an extension with a NUL", request(`,"foo":"\u0000"`), "events[0].foo"},
		{"an empty datacontenttype", request(`,"datacontenttype":""`), "events[0].datacontenttype"},
		{"malformed data", request(`,"data":{"a":01}`), ""},
		{"data with a comma too much", request(`,"data":[1,]`), ""},
		{"data with a control character", request(`,"data":"` + "\x01" + `"`), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := wire.DecodeAppend([]byte(c.body), wire.DefaultLimits())
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

func TestDecodeAppendTakesNullAsLeftOut(t *testing.T) {
	t.Parallel()
	body := `{` + streamA + `,"expect":null,"canary":null,"events":[{"id":"e1","type":"t","position":null,"final":null,
		"source":null,"time":null,"specversion":null,"datacontenttype":null,"data_base64":null,"foo":null,"logposition":null}]}`
	got, err := wire.DecodeAppend([]byte(body), wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	want := kapivara.Append{Stream: "lending/loans/application/A-1", Events: []kapivara.NewEvent{{ID: "e1", Type: "t"}}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(kapivara.Expect{})); diff != "" {
		t.Errorf("want(-) got(+):\n%s", diff)
	}
}

func TestDecodeAppendHoldsTheLimits(t *testing.T) {
	t.Parallel()
	l := wire.Limits{Request: 4000, Data: 8, Attributes: 60, Events: 2, Depth: 7}
	for _, c := range []struct {
		name, body  string
		limit, size int // limit 0: taken
	}{
		{"a request of 4001 bytes", strings.Repeat(" ", 4001), 4000, 4001},
		{"data of 8 bytes", request(`,"data":"123456"`), 0, 0},
		{"data of 9 bytes", request(`,"data":"1234567"`), 8, 9},
		{"8 bytes in base64", request(`,"data_base64":"AAAAAAAAAAA="`), 0, 0},
		{"9 bytes in base64", request(`,"data_base64":"AAAAAAAAAAAA"`), 8, 9},
		{"three events", `{"events":[{"id":"1","type":"t"},{"id":"2","type":"t"},{"id":"3"`, 2, 3},
		{"attributes of 60 bytes", request(`,"subject":"` + strings.Repeat("x", 38) + `"`), 0, 0},
		{"attributes of 61 bytes", request(`,"subject":"` + strings.Repeat("x", 39) + `"`), 60, 61},
		{"data that makes 7 levels", request(`,"data":[[[[]]]]`), 0, 0},
		{"data that makes 8 levels", request(`,"data":[[[[[]]]]]`), 7, 8},
		{"more nesting than is looked at", request(`,"data":` + strings.Repeat("[", 2000)), 7, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := wire.DecodeAppend([]byte(c.body), l)
			if c.limit == 0 {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			var refusal *kapivara.Error
			if !errors.As(err, &refusal) || refusal.Code != kapivara.TooLarge {
				t.Fatalf("got %v, want too_large", err)
			}
			if got := [2]int{*refusal.Facts.Limit, *refusal.Facts.Size}; got != [2]int{c.limit, c.size} {
				t.Errorf("limit and size: got %v, want %v", got, [2]int{c.limit, c.size})
			}
		})
	}
}

func TestDecodeAppendTakesDataAsDeepAsTheLimit(t *testing.T) {
	t.Parallel()
	body := request(`,"data":` + strings.Repeat("[", 61) + strings.Repeat("]", 61))
	if _, err := wire.DecodeAppend([]byte(body), wire.DefaultLimits()); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

func TestDecodeAppendTakesManyExtensions(t *testing.T) {
	t.Parallel()
	var members strings.Builder
	for i := range 100 {
		fmt.Fprintf(&members, `,"x%d":%d`, i, i)
	}
	got, err := wire.DecodeAppend([]byte(request(members.String())), wire.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if want := members.String()[1:]; string(got.Events[0].Attributes) != want {
		t.Errorf("got %s, want %s", got.Events[0].Attributes, want)
	}
	if _, err := wire.DecodeAppend([]byte(request(members.String()+`,"x7":1`)), wire.DefaultLimits()); err == nil {
		t.Error("x7 twice: got no error")
	}
}
