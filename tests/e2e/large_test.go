package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// A stream that no message can hold is delivered by reference, and comes whole in pages, each below the reply limit.
func TestALargeStreamIsDeliveredByReference(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := dial(t, url)
	c.set("large", `{"buckets": 1}`)
	k := take(c, "large")
	const events, each = 6, 400_000
	for i := 1; i <= events; i++ {
		c.ask("kapivara.v1.append.p", fmt.Sprintf(`{"stream":"a/b/c/large","events":[{"id":"l%d","type":"t","final":%t,"data":"%s"}]}`,
			i, i == events, strings.Repeat(fmt.Sprint(i), each)), &appendReply{})
	}
	msg, err := k.deliveries.NextMsg(patience)
	if err != nil {
		t.Fatal(err)
	}
	var d delivery
	if err := json.Unmarshal(msg.Data, &d); err != nil || d.Events != nil || d.Read == nil || d.Read.Subject != "kapivara.v1.read.delivery.large" || d.To != events {
		t.Fatalf("delivery: got %.400s, %v; want one by reference", msg.Data, err)
	}
	if got, want := string(d.Read.Request), fmt.Sprintf(`{"bucket":"0","number":%d}`, d.Number); !sameJSON(d.Read.Request, json.RawMessage(want)) {
		t.Errorf("request of the reference: got %s, want %s", got, want)
	}
	n := &node{caller: c}
	if err := n.fetch(&d); err != nil {
		t.Fatal(err)
	}
	for i, raw := range d.Events {
		var e cloudEvent
		if err := json.Unmarshal(raw, &e); err != nil || e.Position != i+1 || string(e.Data) != `"`+strings.Repeat(fmt.Sprint(i+1), each)+`"` {
			t.Errorf("event %d: got %.200s, %v", i+1, raw, err)
		}
	}
	if len(d.Events) != events {
		t.Errorf("got %d events, want %d", len(d.Events), events)
	}
	c.ask(msg.Reply, "+ACK", &settled{})
}

// What may be stored can be read back and delivered: the largest event there is.
func TestTheLargestEventFitsEverywhere(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := dial(t, url)
	c.set("large", `{"buckets": 1}`)
	k := take(c, "large")
	data := make([]byte, 512<<10)
	for i := range data {
		data[i] = byte(i * 7)
	}
	text := base64.StdEncoding.EncodeToString(data)
	c.ask("kapivara.v1.append.p", fmt.Sprintf(`{"stream":"a/b/c/1","events":[{"id":"1","type":"t","final":true,"subject":"%s","data_base64":"%s"}]}`,
		strings.Repeat("é", 8000), text), &appendReply{})
	for verb, request := range map[string]string{
		"event.a": `{"id": "1"}`, "stream.a": `{"stream": "a/b/c/1"}`, "log._": `{}`,
	} {
		msg, err := c.Request("kapivara.v1.read."+verb, []byte(request), patience)
		if err != nil || !strings.Contains(string(msg.Data), text) {
			t.Errorf("%s: %v, without the data", verb, err)
		}
	}
	d, reply := k.next()
	n := &node{caller: c}
	if err := n.fetch(&d); err != nil || len(d.Events) != 1 || !strings.Contains(string(d.Events[0]), text) {
		t.Errorf("delivery: %d events, %v", len(d.Events), err)
	}
	c.ask(reply, "+ACK", &settled{})
}
