package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/tests/kit"
)

// taker is one node that takes deliveries one by one.
type taker struct {
	caller
	subscriber string
	deliveries *nats.Subscription
}

func take(c caller, subscriber string) *taker {
	c.t.Helper()
	sub, err := c.QueueSubscribeSync("kapivara.v1.bucket."+subscriber+".*", subscriber)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		c.t.Fatal(err)
	}
	return &taker{c, subscriber, sub}
}

// next is the next delivery, with the subject of its answer.
func (k *taker) next() (delivery, string) {
	k.t.Helper()
	msg, err := k.deliveries.NextMsg(2 * patience)
	if err != nil {
		k.t.Fatalf("no delivery: %v", err)
	}
	var d delivery
	if err := json.Unmarshal(msg.Data, &d); err != nil {
		k.t.Fatalf("delivery %q: %v", msg.Data, err)
	}
	return d, msg.Reply
}

// finished appends a stream that is complete at once.
func (c caller) finished(stream string) {
	c.t.Helper()
	c.ask("kapivara.v1.append.p", fmt.Sprintf(`{"stream":%q,"events":[{"id":%q,"type":"t","final":true}]}`, stream, stream), &appendReply{})
}

// row is the delivery's as read.bucket shows it.
func (k *taker) row(number int64) (row struct {
	Number       int64
	State        string
	Attempt      int
	Until        *time.Time
	Reason, Node *string
	Committed    *time.Time
},
) {
	k.t.Helper()
	var page struct{ Deliveries []json.RawMessage }
	k.ask("kapivara.v1.read.bucket."+k.subscriber, `{"bucket": "0", "limit": 1000}`, &page)
	for _, raw := range page.Deliveries {
		if json.Unmarshal(raw, &row) == nil && row.Number == number {
			return row
		}
	}
	k.t.Fatalf("delivery %d is not in its bucket", number)
	return row
}

// settled is a confirmation.
type settled struct {
	Settled  string
	Until    *time.Time
	Deadline *time.Time
}

// Each answer of protocol section 7, as a request to the delivery's reply subject.
func TestEveryAnswerIsConfirmedForWhatItIs(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := dial(t, url)
	c.set("a", `{"buckets": 1, "ack_wait": "2m", "max_attempts": 0, "backoff": ["20ms"]}`)
	k := take(c, "a")
	for i, answer := range []struct{ text, settled, reason string }{
		{"+ACK", "committed", ""},
		{" \n+ACK\r\n ", "committed", ""},
		{"-NAK", "hidden", ""},
		{`-NAK {"delay": "30ms"}`, "hidden", ""},
		{`-NAK {"delay": 30000000}`, "hidden", ""},
		{"", "hidden", ""},
		{"it hurts", "hidden", "it hurts"},
		{"+ack", "hidden", "+ack"},
		{`-NAK {"delay": "soon"}`, "hidden", ""},
		{"+OK", "hidden", "+OK"},
		{strings.Repeat("é", 300), "hidden", strings.Repeat("é", 100)},
		{"\x00\xff", "hidden", ""},
		{"+TERM not for us", "parked", "not for us"},
		{"+TERM", "parked", ""},
	} {
		c.finished(fmt.Sprintf("a/b/c/%d", i))
		d, reply := k.next()
		for range 2 { // the same answer again gets the same reply
			var got settled
			c.ask(reply, answer.text, &got)
			if got.Settled != answer.settled || (got.Until != nil) != (answer.settled == "hidden") || got.Deadline != nil {
				t.Errorf("%.40q: got %+v, want %s", answer.text, got, answer.settled)
			}
			if answer.settled == "hidden" {
				break // the next attempt is near
			}
		}
		if answer.settled == "hidden" {
			again, reply := k.next()
			if again.Number != d.Number || again.Attempt != 2 || again.Token == d.Token {
				t.Errorf("%.40q: then came %d attempt %d with token %s", answer.text, again.Number, again.Attempt, again.Token)
			}
			k.isStale(d)
			c.ask(reply, "+ACK", &settled{})
			continue
		}
		row := k.row(d.Number)
		if row.State != answer.settled || answer.reason != "" && (row.Reason == nil || *row.Reason != answer.reason) {
			t.Errorf("%.40q: got the row %+v", answer.text, row)
		}
		if err := c.call(reply, "-NAK", &settled{}); asRefusal(err) == nil || asRefusal(err).Code != "stale_token" {
			t.Errorf("another answer after %.40q: got %v, want stale_token", answer.text, err)
		}
	}
}

// isStale answers an attempt whose successor was sent.
func (k *taker) isStale(d delivery) {
	k.t.Helper()
	err := k.call("kapivara.v1.settle."+k.subscriber, fmt.Sprintf(`{"token": %q, "answer": "ack"}`, d.Token), &settled{})
	r := asRefusal(err)
	if r == nil || r.Code != "stale_token" || r.Facts["subscriber"] != d.Subscriber || r.Facts["bucket"] != d.Bucket {
		k.t.Errorf("an answer to an attempt that is over: got %v, want stale_token with its facts", err)
	}
}

// A deadline makes no token stale, +WPI moves it, a publish acknowledgement of JetStream is no answer.
func TestADeadlineAloneTakesNothingAway(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := dial(t, url)
	c.set("slow", `{"buckets": 1, "ack_wait": "2s", "backoff": ["12h"]}`)
	k := take(c, "slow")
	c.finished("a/b/c/1")
	d, reply := k.next()
	if err := c.Publish(reply, []byte(`{"stream": "S", "seq": 1}`)); err != nil {
		t.Fatal(err)
	}
	var got settled
	c.ask(reply, "+WPI", &got)
	if got.Settled != "extended" || got.Deadline == nil || !got.Deadline.After(d.Deadline) {
		t.Errorf("+WPI: got %+v, want a deadline after %v", got, d.Deadline)
	}
	kit.Eventually(t, patience, func() error { // silent: hidden by backoff, so that its bucket goes on
		if row := k.row(d.Number); row.State != "hidden" || row.Attempt != 1 {
			return fmt.Errorf("got the row %+v, want hidden", row)
		}
		return nil
	})
	c.finished("a/b/c/2")
	next, nextReply := k.next()
	if next.Number != d.Number+1 {
		t.Errorf("the bucket goes on with %d, want %d", next.Number, d.Number+1)
	}
	c.ask(nextReply, "+ACK", &got)
	c.ask(reply, "+ACK", &got)
	if got.Settled != "committed" || k.row(d.Number).State != "committed" {
		t.Errorf("late, and before the next sending: got %+v, want committed", got)
	}
}

// Poison is parked after exactly max_attempts, with its reason and a notice; the others of its bucket go on.
func TestPoisonIsParked(t *testing.T) {
	t.Parallel()
	url, _ := startBus(t)
	c := dial(t, url)
	c.set("careful", `{"buckets": 1, "ack_wait": "2m", "max_attempts": 3, "backoff": ["20ms"]}`)
	parked, err := c.SubscribeSync("kapivara.v1.watch.parked.careful")
	if err != nil {
		t.Fatal(err)
	}
	k := take(c, "careful")
	c.finished("a/b/c/poison")
	for attempt := 1; attempt <= 3; attempt++ {
		d, reply := k.next()
		if d.Attempt != attempt {
			t.Fatalf("got attempt %d, want %d", d.Attempt, attempt)
		}
		var got settled
		c.ask(reply, "cannot read it", &got)
		if want := map[bool]string{false: "hidden", true: "parked"}[attempt == 3]; got.Settled != want {
			t.Errorf("attempt %d: got %q, want %q", attempt, got.Settled, want)
		}
	}
	if row := k.row(1); row.State != "parked" || row.Attempt != 3 || row.Reason == nil || *row.Reason != "cannot read it" {
		t.Errorf("got the row %+v", row)
	}
	msg, err := parked.NextMsg(patience)
	if err != nil || !strings.Contains(string(msg.Data), `"a/b/c/poison"`) || !strings.Contains(string(msg.Data), `"parked"`) {
		t.Errorf("notice of the parking: got %v, %v", msg, err)
	}
	c.finished("a/b/c/other")
	d, reply := k.next()
	if d.Stream != "a/b/c/other" {
		t.Errorf("then came %s", d.Stream)
	}
	c.ask(reply, "+ACK", &settled{})
}
