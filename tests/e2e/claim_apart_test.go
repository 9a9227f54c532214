package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/tests/kit"
)

// With two accounts, least rights and two dispatchers as processes of their own a node claims as anywhere: it reaches
// whoever has the duty, gets its deliveries at its own subject alone, and when it is gone without a word the next sending
// finds that out, over the border of the accounts, and goes to the queue group.
func TestASubscriberOfLeastRightsClaims(t *testing.T) {
	t.Parallel()
	a := startApart(t)
	a.service("writer")
	a.service("dispatcher")
	a.service("dispatcher")
	operator, c := a.as("operator"), a.as("subscriber")
	operator.set("billing", `{"buckets": 1, "streams": ["lending/*"], "ack_wait": "1m"}`)
	var record map[string]any
	operator.ask("kapivara.v1.registry.publisher.set.loans-api", `{"streams": ["lending/*"]}`, &record)
	operator.ask("kapivara.v1.registry.event-type.set.loans-api", `{"type": "t"}`, &record)
	publisher := a.as("publisher")
	finish := func(id int) {
		publisher.ask("kapivara.v1.append.loans-api", fmt.Sprintf(
			`{"stream": "lending/loans/application/%d", "events": [{"id": "e%d", "type": "t", "position": 1, "final": true}]}`, id, id), &record)
	}
	queued := make(chan *nats.Msg, 10)
	if _, err := c.ChanQueueSubscribe("kapivara.v1.bucket.billing.*", "billing", queued); err != nil {
		t.Fatal(err)
	}
	book := newClaimBook()
	n, err := book.node(c, "billing", "n1")
	if err != nil {
		t.Fatal(err)
	}
	kit.Eventually(t, patience, func() error {
		if got, err := n.claims("billing", `, "ttl": "1m"`); err != nil || len(got.Buckets) != 1 {
			return fmt.Errorf("n1 has %v (%w)", got, err)
		}
		return nil
	})
	finish(1)
	m, d := n.take(patience)
	if m == nil || d.Attempt != 1 || m.Subject != "kapivara.v1.bucket.billing.0.n1" {
		t.Fatalf("got %+v, want the first attempt at the node's subject", d)
	}
	if got, err := n.answers(m.Reply, "+ACK"); got != "committed" || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if len(queued) > 0 {
		t.Errorf("the queue group got %s", (<-queued).Data)
	}
	if err := n.sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	if err := c.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
	finish(2)
	select {
	case m := <-queued:
		if got, err := n.answers(m.Reply, "+ACK"); got != "committed" || err != nil {
			t.Errorf("got %s, %v", got, err)
		}
	case <-time.After(patience):
		t.Error("what met nobody at the node's subject did not go to the queue group")
	}
	if err := n.release("billing"); err != nil {
		t.Errorf("release: %v", err)
	}
	for _, f := range book.faults {
		t.Error(f)
	}
}
