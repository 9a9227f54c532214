package e2e_test

import (
	"fmt"
	"strings"
)

const appendP = "kapivara.v1.append.p"

// badBodies are append requests that are no request.
func badBodies() []bad {
	invalid := func(name, body string) bad { return bad{name, appendP, body, "invalid_request", ""} }
	whole := func(name, body string) bad { return bad{name, appendP, body, "invalid_request", `{"path": ""}`} }
	event := `"events": [{"id": "x", "type": "t"}]`
	stream := func(s string) string { return `{"stream": ` + s + `, ` + event + `}` }
	return []bad{
		invalid("an empty body", ""),
		invalid("an empty object", "{}"),
		whole("an array", "[]"), whole("null", "null"), whole("a number", "3"), whole("a text", `"x"`), whole("no JSON", "append!"),
		whole("half a brace", "{"), whole("a cut request", `{"stream": "a/b/c/1"`), whole("more after the request", stream(`"a/b/c/1"`)+"{}"),
		whole("a byte order mark", "\ufeff"+stream(`"a/b/c/1"`)), whole("a NUL before", "\x00"+stream(`"a/b/c/1"`)),
		whole("a comma too many", `{"stream": "a/b/c/1", `+event+`,}`),
		invalid("an unknown field", `{"stream": "a/b/c/1", "colour": "red", `+event+`}`),
		invalid("a field twice", `{"stream": "a/b/c/1", "stream": "a/b/c/1", `+event+`}`),
		invalid("no stream", `{`+event+`}`), invalid("no events", `{"stream": "a/b/c/1"}`), invalid("an empty list of events", `{"stream": "a/b/c/1", "events": []}`),
		invalid("events that are an object", `{"stream": "a/b/c/1", "events": {}}`), invalid("an event that is a number", `{"stream": "a/b/c/1", "events": [7]}`),
		invalid("a stream that is a number", stream(`5`)), invalid("a stream that is null", stream(`null`)),
		invalid("an empty stream", stream(`""`)), invalid("a stream of three parts", stream(`"a/b/c"`)), invalid("a stream without an id", stream(`"a/b/c/"`)),
		invalid("a context in capitals", stream(`"A/b/c/1"`)), invalid("a context with a dot", stream(`"a.b/b/c/1"`)), invalid("a context that is a wildcard", stream(`"*/b/c/1"`)),
		invalid("a system that is >", stream(`"a/>/c/1"`)), invalid("a system with a space", stream(`"a/b b/c/1"`)),
		invalid("a context of 64 letters", stream(`"`+strings.Repeat("a", 64)+`/b/c/1"`)),
		invalid("a stream id of 201 bytes", stream(`"a/b/c/`+strings.Repeat("x", 201)+`"`)), invalid("a stream of 70 kB", stream(`"a/b/c/`+strings.Repeat("x", 70_000)+`"`)),
		invalid("a NUL in a stream", stream(`"a/b/c/\u0000"`)), invalid("a line feed in a stream", stream(`"a/b/c/x\ny"`)),
		invalid("half a surrogate pair in a stream", stream(`"a/b/c/\ud800"`)), whole("bytes that are no UTF-8 in a stream", stream("\"a/b/c/\xff\"")),
		invalid("an expectation that is no word of ours", `{"stream": "a/b/c/1", "expect": "old", `+event+`}`),
		invalid("a version below 0", `{"stream": "a/b/c/1", "expect": -1, `+event+`}`), invalid("half a version", `{"stream": "a/b/c/1", "expect": 1.5, `+event+`}`),
		invalid("a version beyond all numbers", `{"stream": "a/b/c/1", "expect": 1e131071, `+event+`}`),
		invalid("a canary flag that is a word", `{"stream": "a/b/c/1", "canary": "yes", `+event+`}`),
		{
			"a request over the limit", appendP, `{"stream": "a/b/c/1", "events": [{"id": "x", "type": "t", "data": "` + strings.Repeat("x", 983_000) + `"}]}`,
			"too_large", fmt.Sprintf(`{"limit": 983040, "size": %d}`, 983_000+len(`{"stream": "a/b/c/1", "events": [{"id": "x", "type": "t", "data": ""}]}`)),
		},
		{
			"1,001 events", appendP, `{"stream": "a/b/c/1", "events": [` + strings.Repeat(`{"id": "x", "type": "t"},`, 1000) + `{"id": "y", "type": "t"}]}`,
			"too_large", `{"limit": 1000, "size": 1001}`,
		},
		{"a publisher that is a wildcard", "kapivara.v1.append.*", stream(`"a/b/c/1"`), "invalid_request", `{"path": ""}`},
		{"a publisher in capitals", "kapivara.v1.append.P", stream(`"a/b/c/1"`), "invalid_request", `{"path": ""}`},
		{"a publisher of 64 letters", "kapivara.v1.append." + strings.Repeat("p", 64), stream(`"a/b/c/1"`), "invalid_request", `{"path": ""}`},
	}
}

// badEvents are requests with an event that is none.
func badEvents() []bad {
	invalid := func(name, event string) bad {
		return bad{name, appendP, `{"stream": "a/b/c/1", "events": [` + event + `]}`, "invalid_request", ""}
	}
	with := func(name, members string) bad { return invalid(name, `{"id": "x", "type": "t", `+members+`}`) }
	broken := func(name, members string) bad {
		return bad{name, appendP, `{"stream": "a/b/c/1", "events": [{"id": "x", "type": "t", ` + members + `}]}`, "invalid_request", `{"path": ""}`}
	}
	large := func(name, members, facts string) bad {
		return bad{name, appendP, `{"stream": "a/b/c/1", "events": [{"id": "x", "type": "t", ` + members + `}]}`, "too_large", facts}
	}
	id := func(id string) string { return `{"id": ` + id + `, "type": "t"}` }
	uuid := "0192d3a0-0000-7000-8000-00000000000"
	return []bad{
		invalid("no id", `{"type": "t"}`), invalid("an empty id", id(`""`)), invalid("an id of 129 bytes", id(`"`+strings.Repeat("i", 129)+`"`)),
		invalid("an id that is a number", id(`7`)), invalid("a control character in an id", id(`"a\u0007b"`)), invalid("half a surrogate pair in an id", id(`"\udc00"`)),
		invalid("an id twice", id(`"x"`)+","+id(`"x"`)), invalid("a UUID twice, in capitals", id(`"`+uuid+`a"`)+","+id(`"`+strings.ToUpper(uuid)+`A"`)),
		invalid("no type", `{"id": "x"}`), invalid("an empty type", `{"id": "x", "type": ""}`), invalid("a type with a star", `{"id": "x", "type": "a.*"}`),
		invalid("a type of 201 bytes", `{"id": "x", "type": "`+strings.Repeat("t", 201)+`"}`), invalid("a line feed in a type", `{"id": "x", "type": "a\nb"}`),
		with("another version of CloudEvents", `"specversion": "0.3"`), with("a time that is none", `"time": "yesterday"`), with("a time that is a number", `"time": 1700000000`),
		with("a time without a zone", `"time": "2026-11-24T10:00:00"`), with("the 30th of February", `"time": "2026-02-30T10:00:00Z"`),
		with("data in both forms", `"data": 1, "data_base64": "AA=="`), with("base64 that is none", `"data_base64": "%%%"`), with("base64 that is a number", `"data_base64": 5`),
		broken("data that is no JSON", `"data": {"a": nul}`), broken("a number with a zero in front", `"data": 007`), broken("NaN", `"data": NaN`),
		broken("a control character in data", "\"data\": \"a\x01b\""), broken("bytes that are no UTF-8 in data", "\"data\": \"\xc3\x28\""), broken("a false escape in data", `"data": "\x41"`),
		with("position 0", `"position": 0`), with("position -1", `"position": -1`), with("half a position", `"position": 1.5`), with("position 2147483648", `"position": 2147483648`),
		with("a position that is a text", `"position": "1"`), with("a position beyond all numbers", `"position": 1e131071`),
		with("final that is a text", `"final": "true"`), with("a member twice", `"subject": "a", "subject": "b"`),
		with("an attribute in capitals", `"Subject": "a"`), with("an attribute with a line", `"trace_parent": "a"`), with("an attribute of 65 letters", `"`+strings.Repeat("a", 65)+`": "a"`),
		with("an attribute that is an object", `"extra": {}`), with("an attribute that is a list", `"extra": []`), with("an attribute with a fraction", `"extra": 1.5`),
		with("an attribute over 32 bits", `"extra": 2147483648`), with("an attribute beyond all numbers", `"extra": 1e131071`),
		with("a stream on an event", `"stream": "a/b/c/1"`), with("a publisher on an event", `"publisher": "p"`), with("a recordedtime", `"recordedtime": "2026-11-24T10:00:00Z"`),
		with("a logposition", `"logposition": "1"`),
		invalid("positions on some events", `{"id": "x", "type": "t", "position": 1}, {"id": "y", "type": "t"}`),
		invalid("a position twice", `{"id": "x", "type": "t", "position": 1}, {"id": "y", "type": "t", "position": 1}`),
		invalid("two final events", `{"id": "x", "type": "t", "final": true}, {"id": "y", "type": "t", "final": true}`),
		invalid("a final event before others", `{"id": "x", "type": "t", "final": true}, {"id": "y", "type": "t"}`),
		invalid("a final event that has not the highest position", `{"id": "x", "type": "t", "position": 1, "final": true}, {"id": "y", "type": "t", "position": 2}`),
		large("data over the limit", `"data": "`+strings.Repeat("x", 524_287)+`"`, `{"limit": 524288, "size": 524289}`),
		large("binary data over the limit", `"data_base64": "`+strings.Repeat("AAAA", 174_763)+`"`, `{"limit": 524288, "size": 524289}`),
		large("data 20,000 deep", `"data": `+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000), `{"limit": 64, "size": 65}`),
	}
}
