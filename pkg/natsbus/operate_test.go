package natsbus_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/wire"
)

// changes asks for an operator's verb as any client does.
func (s *served) changes(verb, body, want string) {
	s.t.Helper()
	if got := s.ask("kapivara.v1.delivery."+verb+".billing", body); got != `{"changed":`+want+`}` {
		s.t.Fatalf("%s %s: got %s, want %s changed", verb, body, got, want)
	}
}

func (s *served) comes(came <-chan *nats.Msg) (*nats.Msg, kapivara.Delivery) {
	s.t.Helper()
	m := s.next(came)
	d, _, err := wire.DecodeDelivery(m.Data)
	if err != nil {
		s.t.Fatal(err)
	}
	return m, d
}

// Every verb over NATS, on one delivery: what an operator takes away takes no answer (I-16), a retry sends it once more
// (I-20), and a replay sends it again whole.
func TestOperatorsAreServed(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t, func(s *kapivara.Subscriber) { s.Buckets = 1 })
	parkings, err := s.SubscribeSync("kapivara.v1.watch.parked.billing")
	if err != nil {
		t.Fatal(err)
	}
	came := s.node()
	s.finish("1")
	first, d := s.comes(came)
	s.changes("park", `{"numbers":[{"bucket":"0","number":1}],"reason":"wrong tax","dry_run":true}`, "1")
	s.changes("park", `{"numbers":[{"bucket":"0","number":1}],"reason":"wrong tax"}`, "1")
	if n, err := parkings.NextMsg(patience); err != nil || !strings.Contains(string(n.Data), `"reason":"wrong tax"`) {
		t.Errorf("got the notice %v, %v, want the parking", n, err)
	}
	if got := s.ask(first.Reply, "+ACK"); !strings.Contains(got, `"code":"stale_token"`) {
		t.Errorf("an ack of what was parked: got %s", got)
	}
	s.changes("hide", `{"stream":"a/b/c/1","delay":"1h"}`, "0")
	s.changes("retry", `{"state":"parked","bucket":"0"}`, "1")
	second, d2 := s.comes(came)
	if d2.Attempt != 2 || d2.Number != d.Number || d2.Token == d.Token {
		t.Errorf("got attempt %d of number %d, want the second of the first", d2.Attempt, d2.Number)
	}
	s.changes("hide", `{"stream":"a/b/c/1","delay":"1h"}`, "1")
	s.changes("retry", `{"stream":"a/b/c/1"}`, "1")
	third, _ := s.comes(came)
	if got := s.ask(second.Reply, "-NAK"); !strings.Contains(got, `"code":"stale_token"`) {
		t.Errorf("a nak of what was hidden: got %s", got)
	}
	if got := s.ask(third.Reply, "+ACK"); got != `{"settled":"committed"}` {
		t.Errorf("an ack after the retry: got %s", got)
	}
	s.changes("discard", `{"numbers":[{"bucket":"0","number":1}]}`, "0")
	s.changes("replay", `{"after":0,"stream":"a/b/c/1","dry_run":true}`, "1")
	s.changes("replay", `{"after":0,"stream":"a/b/c/1"}`, "1")
	again, d4 := s.comes(came)
	if d4.Cause != kapivara.CauseReplay || d4.Number != 2 || len(d4.Events) != 2 {
		t.Errorf("got number %d, cause %s", d4.Number, d4.Cause)
	}
	s.changes("discard", `{"state":"leased"}`, "1")
	if got := s.ask(again.Reply, "+ACK"); !strings.Contains(got, `"code":"stale_token"`) {
		t.Errorf("an ack of what was discarded: got %s", got)
	}
}

func TestOperatorsAreRefused(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t)
	for subject, c := range map[string]struct{ body, code string }{
		"park.billing":    {`{"stream":"a/b/c/1","state":"leased"}`, "invalid_request"},
		"hide.billing":    {`{"state":"leased"}`, "invalid_request"},
		"retry.billing":   {`{"state":"committed"}`, "invalid_request"},
		"discard.billing": {`{"numbers":[{"bucket":"0","number":9}]}`, "not_found"},
		"replay.billing":  {`{"since":"soon"}`, "invalid_request"},
		"retry.nobody":    {`{"state":"parked"}`, "not_found"},
		"replay.nobody":   {`{"after":0}`, "not_found"},
	} {
		if got := s.ask("kapivara.v1.delivery."+subject, c.body); !strings.Contains(got, `"code":"`+c.code+`"`) {
			t.Errorf("%s %s: got %s, want %s", subject, c.body, got, c.code)
		}
	}
}
