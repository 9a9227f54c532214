package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// What looks like a bomb and is well made is stored and comes back to the byte.
func TestNastyDataIsKeptToTheByte(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := dial(t, url)
	c.set("all", `{"buckets": 1, "start": "beginning"}`)
	deliveries, err := c.QueueSubscribeSync("kapivara.v1.bucket.all.*", "all")
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range []string{
		`1e131071`, `-0.0`, `1.000`, `123456789012345678901234567890.5E-7`, `null`, `true`, `""`, `{}`, `[ ]`,
		`"\u0000"`, `"\ud800"`, `"\udc00\ud800"`, `"\ufeff"`, "\"\ufeff\"", `"\/\b\f\u00e9"`, "\"é 漢 🦫 \u2028\"",
		`{"a":1,"a":2}`, `{"__proto__":{"x":1},"constructor":null}`, "{ \"a\" :\t1 ,\n \"b\" : [ 1 , 2 ] }",
		`"'; drop table kapivara.events; --"`, `"</script><script>"`, `"` + strings.Repeat("x", 500_000) + `"`,
		strings.Repeat("[", 60) + strings.Repeat("]", 60),
	} {
		stream := fmt.Sprintf("a/b/c/%d", i)
		var reply appendReply
		if err := c.call("kapivara.v1.append.p", fmt.Sprintf(`{"stream":%q,"events":[{"id":"n%d","type":"t","final":true,"data":%s}]}`, stream, i, data), &reply); err != nil {
			t.Errorf("data %.60s: %v", data, err)
			continue
		}
		var e cloudEvent
		c.ask("kapivara.v1.read.event.a", fmt.Sprintf(`{"id":"n%d"}`, i), &e)
		if string(e.Data) != data {
			t.Errorf("data %.60q: read back as %.60q", data, e.Data)
		}
		msg, err := deliveries.NextMsg(patience)
		if err != nil {
			t.Fatalf("data %.60q: %v", data, err)
		}
		var d delivery
		if err := json.Unmarshal(msg.Data, &d); err != nil || len(d.Events) != 1 {
			t.Fatalf("delivery of %.60q: %v, %.200q", data, err, msg.Data)
		}
		if e = (cloudEvent{}); json.Unmarshal(d.Events[0], &e) != nil || string(e.Data) != data {
			t.Errorf("data %.60q: delivered as %.60q", data, e.Data)
		}
		c.ask(msg.Reply, "+ACK", &map[string]any{})
	}
}

// Names of many kilobytes, in bodies and subjects, get short refusals or are dropped by the server; the services go on.
func TestHugeNamesGetShortRefusals(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := dial(t, url)
	for name, b := range map[string]bad{
		"an unknown field of 70 kB":          {subject: appendP, body: `{"` + strings.Repeat("x", 70_000) + `": 1}`},
		"an unknown field of 70 kB, escaped": {subject: appendP, body: `{"` + strings.Repeat(`\u0001`, 70_000) + `": 1}`},
		"an unknown field of 900 kB":         {subject: appendP, body: `{"` + strings.Repeat("\u007f", 900_000) + `": 1}`},
		"an attribute of 70 kB":              {subject: appendP, body: `{"stream": "a/b/c/1", "events": [{"id": "x", "type": "t", "` + strings.Repeat("y", 70_000) + `": 1}]}`},
		"an id of 70 kB":                     {subject: appendP, body: `{"stream": "a/b/c/1", "events": [{"id": "` + strings.Repeat("\u2028", 70_000) + `", "type": "t"}]}`},
		"a type of 70 kB":                    {subject: appendP, body: `{"stream": "a/b/c/1", "events": [{"id": "x", "type": "` + strings.Repeat("*", 70_000) + `"}]}`},
		"an expectation of 70 kB":            {subject: appendP, body: `{"stream": "a/b/c/1", "expect": "` + strings.Repeat("<", 70_000) + `", "events": [{"id": "x", "type": "t"}]}`},
		"a field of a read of 900 kB":        {subject: "kapivara.v1.read.log._", body: `{"` + strings.Repeat("\u007f", 900_000) + `": 1}`},
		"a cursor of 900 kB":                 {subject: "kapivara.v1.read.streams.a", body: `{"cursor": "` + strings.Repeat("\u007f", 900_000) + `"}`},
		"a stream to read of 900 kB":         {subject: "kapivara.v1.read.stream.a", body: `{"stream": "` + strings.Repeat("\u007f", 900_000) + `"}`},
		"a subscriber's type of 900 kB":      {subject: "kapivara.v1.registry.subscriber.set.s", body: `{"types": ["` + strings.Repeat("\u007f", 900_000) + `"]}`},
		"a field of a record of 900 kB":      {subject: "kapivara.v1.registry.subscriber.set.s", body: `{"` + strings.Repeat("\u007f", 900_000) + `": 1}`},
		"a token of 900 kB":                  {subject: "kapivara.v1.settle.s", body: `{"token": "` + strings.Repeat("A", 900_000) + `", "answer": "ack"}`},
		"an answer of 900 kB":                {subject: "kapivara.v1.settle.s", body: `{"token": "A", "answer": "` + strings.Repeat("A", 900_000) + `"}`},
		"a publisher of 3 kB":                {subject: "kapivara.v1.append." + strings.Repeat("p", 3000), body: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			msg, err := c.Request(b.subject, []byte(b.body), c.within)
			if err != nil {
				t.Fatal(err)
			}
			if line := msg.Header.Get("Nats-Service-Error"); line == "" || len(line) > 512 {
				t.Errorf("header with the error: got %d bytes, %.100q", len(line), line)
			}
			if len(msg.Data) > 4096 {
				t.Errorf("the refusal: got %d bytes, %.200q", len(msg.Data), msg.Data)
			}
		})
	}
	// The server itself ends a connection that sends a subject of 70 kB.
	rude := dial(t, url, nats.NoReconnect())
	if _, err := rude.Request("kapivara.v1.append."+strings.Repeat("p", 70_000), []byte("{}"), c.within); err == nil {
		t.Error("a subject of 70 kB: got a reply")
	}
	if got := c.head(); got != 0 {
		t.Errorf("the log's head: got %d, want 0", got)
	}
}
