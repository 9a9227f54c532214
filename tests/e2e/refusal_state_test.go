package e2e_test

import "strings"

// badStates are requests that are well made and do not fit what is stored.
func badStates() []bad {
	to := func(name, stream, more, events, code, facts string) bad {
		return bad{name, appendP, `{"stream": "a/b/c/` + stream + `", ` + more + `"events": [` + events + `]}`, code, facts}
	}
	x := `{"id": "x", "type": "t"}`
	return []bad{
		{"a type of another publisher", appendP, `{"stream": "a/b/c/1", "events": [{"id": "x", "type": "owned"}]}`, "forbidden", `{"publisher": "p", "type": "owned"}`},
		{"a stream that is not the publisher's", "kapivara.v1.append.narrow", `{"stream": "a/b/c/1", "events": [{"id": "x", "type": "n"}]}`, "forbidden", `{"publisher": "narrow", "stream": "a/b/c/1"}`},
		to("new, where something is", "open", `"expect": "new", `, x, "wrong_version", `{"stream": "a/b/c/open", "expected": "new", "actual": 3}`),
		to("exists, where nothing is", "none", `"expect": "exists", `, x, "wrong_version", `{"stream": "a/b/c/none", "expected": "exists", "actual": 0}`),
		to("another version", "open", `"expect": 1, `, x, "wrong_version", `{"stream": "a/b/c/open", "expected": 1, "actual": 3}`),
		to("a version where nothing is", "none", `"expect": 5, `, x, "wrong_version", `{"stream": "a/b/c/none", "expected": 5, "actual": 0}`),
		to("a canary event on a stream that is none", "open", `"canary": true, `, x, "canary_mismatch", `{"stream": "a/b/c/open"}`),
		to("a plain event on a canary stream", "canary", `"canary": false, `, x, "canary_mismatch", `{"stream": "a/b/c/canary"}`),
		to("an id with another type", "open", "", `{"id": "e1", "type": "u", "position": 1}`, "event_id_reused", `{"id": "e1", "stream": "a/b/c/open", "position": 1}`),
		to("an id with other data", "open", "", `{"id": "e1", "type": "t", "position": 1, "data": null}`, "event_id_reused", `{"id": "e1", "stream": "a/b/c/open", "position": 1}`),
		to("an id with another position", "open", "", `{"id": "e1", "type": "t", "position": 2}`, "event_id_reused", `{"id": "e1", "stream": "a/b/c/open", "position": 1}`),
		to("an id that is final now", "open", "", `{"id": "e3", "type": "t", "final": true}`, "event_id_reused", `{"id": "e3", "stream": "a/b/c/open", "position": 3}`),
		to("an id of another stream", "none", "", `{"id": "d1", "type": "t"}`, "event_id_reused", `{"id": "d1", "stream": "a/b/c/done", "position": 1}`),
		{"an id of a stream that is not the publisher's", "kapivara.v1.append.narrow", `{"stream": "x/b/c/1", "events": [{"id": "e1", "type": "n"}]}`, "event_id_reused", `{"id": "e1"}`},
		to("a position that is taken", "open", "", `{"id": "x", "type": "t", "position": 3}`, "position_taken", `{"stream": "a/b/c/open", "position": 3, "stored_id": "e3"}`),
		to("a position that is taken, by the second event", "open", "", `{"id": "x", "type": "t", "position": 2}, {"id": "y", "type": "t", "position": 1}`,
			"position_taken", `{"stream": "a/b/c/open", "position": 1, "stored_id": "e1"}`),
		to("after the end", "done", "", x, "stream_finished", `{"stream": "a/b/c/done", "finish": 2, "missing": []}`),
		to("after the end, with a hole", "hole", "", `{"id": "x", "type": "t", "position": 3}`, "stream_finished", `{"stream": "a/b/c/hole", "finish": 2, "missing": [[1, 1]]}`),
		to("a second end below", "hole", "", `{"id": "x", "type": "t", "position": 1, "final": true}`, "finish_conflict", `{"stream": "a/b/c/hole", "finish": 2}`),
		to("an end below what is stored", "open", "", `{"id": "x", "type": "t", "position": 2, "final": true}`, "finish_conflict", `{"stream": "a/b/c/open", "version": 3}`),
		to("data that does not fit", "none", "", `{"id": "x", "type": "priced", "data": {"price": "free"}}`, "schema_violation", ""),
		to("data that is not there", "none", "", `{"id": "x", "type": "priced"}`, "schema_violation", ""),
		to("version before position", "open", `"expect": 1, `, `{"id": "x", "type": "t", "position": 3}`, "wrong_version", `{"stream": "a/b/c/open", "expected": 1, "actual": 3}`),
		to("forbidden before version", "open", `"expect": 1, `, `{"id": "x", "type": "owned", "position": 3}`, "forbidden", `{"publisher": "p", "type": "owned"}`),
	}
}

// badReads are reads and answers that are refused.
func badReads() []bad {
	read := func(name, verb, body, code, facts string) bad {
		return bad{name, "kapivara.v1.read." + verb, body, code, facts}
	}
	invalid := func(name, verb, body string) bad { return read(name, verb, body, "invalid_request", "") }
	missing := func(name, verb, body string) bad { return read(name, verb, body, "not_found", `{}`) }
	return []bad{
		invalid("read: no id", "event.a", `{}`), missing("read: no such event", "event.a", `{"id": "nothing"}`), missing("read: another context's event", "event.b", `{"id": "e1"}`),
		invalid("read: no stream", "stream.a", ``), missing("read: no such stream", "stream.a", `{"stream": "a/b/c/none"}`),
		invalid("read: another context's subject", "stream.b", `{"stream": "a/b/c/open"}`), read("read: a context in capitals", "stream.A", `{"stream": "a/b/c/open"}`, "invalid_request", `{"path": ""}`),
		read("read: a context that is a wildcard", "log.*", `{}`, "invalid_request", `{"path": ""}`), invalid("read: an unknown field", "log._", `{"colour": 1}`),
		invalid("read: a limit of 0", "stream.a", `{"stream": "a/b/c/open", "limit": 0}`), invalid("read: a limit of 1,001", "stream.a", `{"stream": "a/b/c/open", "limit": 1001}`),
		invalid("read: a limit of 10,001", "log._", `{"limit": 10001}`), invalid("read: a limit that is a text", "log._", `{"limit": "10"}`),
		invalid("read: after -1", "log._", `{"after": -1}`), invalid("read: a wait of 31 s", "log._", `{"wait": "31s"}`), invalid("read: a wait that is a number", "log._", `{"wait": 5}`),
		invalid("read: a duration that is none", "log._", `{"wait": "soon"}`), invalid("read: a time that is none", "log._", `{"since": "yesterday"}`),
		invalid("read: a cursor that is none", "streams.a", `{"cursor": "xyz"}`), invalid("read: a state that is none", "streams.a", `{"state": "closed"}`),
		invalid("read: no bucket", "bucket.sub", `{}`), invalid("read: a bucket that is none", "bucket.sub", `{"bucket": "x"}`),
		missing("read: no such bucket", "bucket.sub", `{"bucket": "2"}`), missing("read: no such subscriber", "subscriber.nobody", `{}`),
		missing("read: no such subscriber's bucket", "bucket.nobody", `{"bucket": "0"}`), missing("read: no commit", "last-committed.sub", `{"bucket": "0"}`),
		missing("read: no such delivery", "delivery.sub", `{"bucket": "0", "number": 9}`), invalid("read: a delivery without a number", "delivery.sub", `{"bucket": "0"}`),
		missing("read: no explanation of nothing", "explain.a", `{"stream": "a/b/c/none"}`), missing("read: no such subscriber to explain", "explain.a", `{"stream": "a/b/c/open", "subscriber": "nobody"}`),
		{"settle: no token", "kapivara.v1.settle.sub", `{"answer": "ack"}`, "invalid_request", ""},
		{"settle: no answer that is known", "kapivara.v1.settle.sub", `{"token": "AQEBAQD-lRVALQh-bQ", "answer": "yes"}`, "invalid_request", ""},
		{"settle: a token that is none", "kapivara.v1.settle.sub", `{"token": "!", "answer": "ack"}`, "invalid_request", ""},
		{"settle: a delay that is none", "kapivara.v1.settle.sub", `{"token": "AQEBAQD-lRVALQh-bQ", "answer": "nak", "delay": "soon"}`, "invalid_request", ""},
	}
}

// badRecords are changes of the registry that are refused.
func badRecords() []bad {
	set := func(name, body string) bad {
		return bad{"subscriber: " + name, "kapivara.v1.registry.subscriber.set.fresh", body, "invalid_request", ""}
	}
	kind := func(name, body string) bad {
		return bad{"event type: " + name, "kapivara.v1.registry.event-type.set.p", body, "invalid_request", ""}
	}
	return []bad{
		set("another name", `{"name": "other"}`), set("an unknown field", `{"colour": 1}`), set("no buckets", `{"buckets": 0}`), set("1,025 buckets", `{"buckets": 1025}`),
		set("half a bucket", `{"buckets": 1.5}`), set("ack_wait of 99ms", `{"ack_wait": "99ms"}`), set("ack_wait of 13h", `{"ack_wait": "13h"}`), set("ack_wait in days", `{"ack_wait": "1d"}`),
		set("-1 attempts", `{"max_attempts": -1}`), set("1,001 attempts", `{"max_attempts": 1001}`), set("nothing in flight", `{"max_in_flight": 0}`), set("1,001 in flight", `{"max_in_flight": 1001}`),
		set("a pause that is none", `{"backoff": ["soon"]}`), set("types that are a text", `{"types": "*"}`), set("a star in the middle", `{"types": ["a*b"]}`),
		set("another way to deliver", `{"deliver": "sometimes"}`), set("a start that is none", `{"start": "middle"}`), set("a start below 0", `{"start": -1}`),
		{"subscriber: a name in capitals", "kapivara.v1.registry.subscriber.set.Fresh", `{}`, "invalid_request", ""},
		{"subscriber: a name that is a wildcard", "kapivara.v1.registry.subscriber.set.*", `{}`, "invalid_request", ""},
		{"subscriber: a name of 64 letters", "kapivara.v1.registry.subscriber.set." + strings.Repeat("s", 64), `{}`, "invalid_request", ""},
		{"subscriber: none to get", "kapivara.v1.registry.subscriber.get.nobody", ``, "not_found", `{}`},
		{"subscriber: none to remove", "kapivara.v1.registry.subscriber.remove.nobody", ``, "not_found", `{}`},
		{"publisher: none to get", "kapivara.v1.registry.publisher.get.nobody", ``, "not_found", `{}`},
		{"publisher: streams that are numbers", "kapivara.v1.registry.publisher.set.q", `{"streams": [1]}`, "invalid_request", ""},
		kind("no type", `{}`), kind("a star", `{"type": "a.*"}`), kind("a schema that is none", `{"type": "q", "schema": {"type": "colour"}}`),
		kind("a schema that looks elsewhere", `{"type": "q", "schema": {"$ref": "https://example.com/schema.json"}}`), kind("a schema that is a number", `{"type": "q", "schema": 3}`),
		{"event type: another publisher's", "kapivara.v1.registry.event-type.set.p", `{"type": "owned"}`, "forbidden", `{"publisher": "p", "type": "owned"}`},
		{"list: a limit of 0", "kapivara.v1.registry.subscriber.list", `{"limit": 0}`, "invalid_request", ""},
		{"list: a cursor that is none", "kapivara.v1.registry.subscriber.list", `{"cursor": 5}`, "invalid_request", ""},
	}
}

// badPulls are requests of next that are refused.
func badPulls() []bad {
	pull := func(name, last, body, code, facts string) bad {
		return bad{"next: " + name, "kapivara.v1.next." + last, body, code, facts}
	}
	return []bad{
		pull("no such subscriber", "nobody", `{"wait": "20s"}`, "not_found", `{}`), pull("no such bucket", "sub", `{"bucket": "2", "wait": "20s"}`, "not_found", `{}`),
		pull("no canary bucket", "sub", `{"bucket": "canary-0"}`, "not_found", `{}`), pull("a bucket that is none", "sub", `{"bucket": "x"}`, "invalid_request", `{"path": "bucket"}`),
		pull("a bucket that is a number", "sub", `{"bucket": 0}`, "invalid_request", `{"path": "bucket"}`), pull("a batch of 0", "sub", `{"batch": 0}`, "invalid_request", `{"path": "batch"}`),
		pull("a batch of 101", "sub", `{"batch": 101}`, "invalid_request", `{"path": "batch"}`), pull("a wait of 31 s", "sub", `{"wait": "31s"}`, "invalid_request", `{"path": "wait"}`),
		pull("a wait that is a number", "sub", `{"wait": 5}`, "invalid_request", `{"path": "wait"}`), pull("a node in capitals", "sub", `{"node": "N"}`, "invalid_request", `{"path": "node"}`),
		pull("a node without a name", "sub", `{"node": ""}`, "invalid_request", `{"path": "node"}`), pull("an unknown field", "sub", `{"count": 1}`, "invalid_request", `{"path": "count"}`),
	}
}

// badOperators are requests of operators that are refused.
func badOperators() []bad {
	verb := func(name, verb, body, code string) bad {
		facts := map[string]string{"not_found": `{}`}[code]
		if strings.HasSuffix(name, " named") {
			facts = `{"path": ""}`
		}
		return bad{"operators: " + name, "kapivara.v1.delivery." + verb, body, code, facts}
	}
	return []bad{
		verb("nothing named", "park.sub", `{}`, "invalid_request"), verb("two things named", "park.sub", `{"stream": "a/b/c/done", "state": "leased"}`, "invalid_request"),
		verb("a state that is never changed", "retry.sub", `{"state": "leased"}`, "invalid_request"), verb("hidden until never", "hide.sub", `{"stream": "a/b/c/done"}`, "invalid_request"),
		verb("an unknown field", "discard.sub", `{"stream": "a/b/c/done", "all": true}`, "invalid_request"), verb("a replay of no range", "replay.sub", `{}`, "invalid_request"),
		verb("no such stream", "park.sub", `{"stream": "a/b/c/none"}`, "not_found"), verb("no such stream to replay", "replay.sub", `{"after": 0, "stream": "a/b/c/none"}`, "not_found"),
		verb("no such delivery", "retry.sub", `{"numbers": [{"bucket": "0", "number": 9}]}`, "not_found"), verb("no such bucket", "retry.sub", `{"state": "parked", "bucket": "2"}`, "not_found"),
		verb("no such subscriber", "discard.nobody", `{"state": "parked"}`, "not_found"),
	}
}
