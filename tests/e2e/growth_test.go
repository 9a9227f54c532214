package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// grow appends one event at a position.
func (k *taker) grow(stream string, position int, more string) {
	k.t.Helper()
	k.ask("kapivara.v1.append.p", fmt.Sprintf(`{"stream":"a/b/c/%s","events":[{"id":"%s-%d","type":"t","position":%d%s}]}`,
		stream, stream, position, position, more), &appendReply{})
}

// stretch is the next delivery, held to a stretch of a stream; its events are read by reference where it has none.
func (k *taker) stretch(cause, stream string, from, to int) (delivery, string) {
	k.t.Helper()
	d, reply := k.next()
	if d.Cause != cause || d.Stream != "a/b/c/"+stream || d.From != from || d.To != to {
		k.t.Fatalf("got %s of %s, %d to %d; want %s of %s, %d to %d", d.Cause, d.Stream, d.From, d.To, cause, stream, from, to)
	}
	if err := (&node{caller: k.caller}).fetch(&d); err != nil {
		k.t.Fatal(err)
	}
	var at []int
	for _, raw := range d.Events {
		var e cloudEvent
		if err := json.Unmarshal(raw, &e); err != nil {
			k.t.Fatal(err)
		}
		at = append(at, e.Position)
	}
	var want []int
	for p := from; p <= to; p++ {
		want = append(want, p)
	}
	if fmt.Sprint(at) != fmt.Sprint(want) {
		k.t.Fatalf("%s of %s has the positions %v, want %v", cause, stream, at, want)
	}
	return d, reply
}

func (k *taker) ack(reply string) {
	k.t.Helper()
	var s settled
	if k.ask(reply, "+ACK", &s); s.Settled != "committed" {
		k.t.Fatalf("got %+v, want committed", s)
	}
}

// Each growth comes once, in order and without gaps, also where events arrive in reverse and before the subscriber was
// set; what grows behind an unsettled delivery is joined and shown as it waits; one that no message can hold is read by
// reference, that stretch and no more; and the mode can be changed (I-11, I-12, I-14).
func TestGrowthsOverNATS(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := dial(t, url)
	k := &taker{caller: c}
	k.grow("early", 2, "")
	k.grow("early", 1, "")
	k.grow("holed", 2, "")
	c.set("fold", `{"buckets": 1, "deliver": "appended", "start": "beginning", "backoff": ["100ms"]}`)
	k = take(c, "fold")
	d, reply := k.stretch("appended", "early", 1, 2)
	if d.Version != 2 || d.Finish != 0 || d.Complete {
		t.Errorf("an open stream is delivered as version %d, finish %d, complete %v", d.Version, d.Finish, d.Complete)
	}
	k.ack(reply)

	for p := 4; p >= 1; p-- { // 2 is there
		if p != 2 {
			k.grow("holed", p, "")
		}
	}
	first, reply := k.stretch("appended", "holed", 1, 4)
	for p := 5; p <= 8; p++ {
		k.grow("holed", p, fmt.Sprintf(`,"data":"%s"`, strings.Repeat("x", 400_000)))
	}
	var page struct {
		Deliveries []struct {
			Number   int64
			Cause    string
			From, To int
			State    string
		}
	}
	c.ask("kapivara.v1.read.bucket.fold", `{"bucket": "0", "state": "pending"}`, &page)
	if got, want := fmt.Sprint(page.Deliveries), "[{0 appended 5 5 pending} {0 appended 6 6 pending} {0 appended 7 7 pending} {0 appended 8 8 pending}]"; got != want {
		t.Errorf("what waits is shown as %s, want %s", got, want)
	}
	if err := c.Publish(reply, []byte("-NAK")); err != nil {
		t.Fatal(err)
	}
	again, reply := k.stretch("appended", "holed", 1, 4)
	if again.Number != first.Number || again.Attempt != 2 || again.Version != 8 && again.Version != 4 {
		t.Errorf("got number %d, attempt %d, version %d; want attempt 2 of %d", again.Number, again.Attempt, again.Version, first.Number)
	}
	k.ack(reply)
	large, reply := k.stretch("appended", "holed", 5, 8) // 1.6 MB
	if large.Read == nil {
		t.Error("a delivery of 1.6 MB came in one message")
	}
	k.ack(reply)

	c.set("fold", `{"deliver": "complete"}`)
	k.grow("holed", 9, "")
	k.grow("holed", 10, `,"final":true`)
	whole, reply := k.stretch("complete", "holed", 1, 10)
	if !whole.Complete || whole.Finish != 10 {
		t.Errorf("the whole stream is delivered as finish %d, complete %v", whole.Finish, whole.Complete)
	}
	k.ack(reply)
	c.set("fold", `{"deliver": "appended"}`)
	k.grow("early", 3, "")
	_, reply = k.stretch("appended", "early", 3, 3)
	k.ack(reply)
	var explained struct {
		Subscribers []struct{ State, Reason string }
	}
	c.ask("kapivara.v1.read.explain._", `{"stream": "a/b/c/early", "subscriber": "fold"}`, &explained)
	if len(explained.Subscribers) != 1 || explained.Subscribers[0].State != "committed" {
		t.Errorf("explained as %+v, want committed", explained)
	}
}
