package natsbus_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// listens subscribes as a node that claims does.
func (s *served) listens(node string) (<-chan *nats.Msg, *nats.Subscription) {
	s.t.Helper()
	came := make(chan *nats.Msg, 100)
	sub, err := s.ChanQueueSubscribe("kapivara.v1.bucket.billing.*."+node, "billing", came)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		s.t.Fatal(err)
	}
	return came, sub
}

// has claims for the node until it has so many buckets.
func (s *served) has(node, more string, buckets int) {
	s.t.Helper()
	kit.Eventually(s.t, 20*time.Second, func() error {
		got, err := wire.DecodeClaimed([]byte(s.ask("kapivara.v1.claim.billing", `{"node":"`+node+`"`+more+`}`)))
		if err != nil || len(got) != buckets {
			return fmt.Errorf("%s has %v, want %d buckets (%w)", node, got, buckets, err)
		}
		return nil
	})
}

// The queue group, which listens all the while, gets nothing of what a node has claimed (NATS pinned clients: "no exclusivity").
func TestAClaimedBucketIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t, func(s *kapivara.Subscriber) { s.Buckets = 1; s.MaxInFlight = 2 })
	queue := s.node()
	first, sub := s.listens("n1")
	second, _ := s.listens("n2")
	s.has("n1", `,"ttl":"1m"`, 1)
	s.has("n2", `,"ttl":"1m","count":1`, 0)
	s.finish("1")
	m := s.next(first)
	if want := "kapivara.v1.bucket.billing.0.n1"; m.Subject != want {
		t.Errorf("it came on %s, want %s", m.Subject, want)
	}
	if got := s.ask(m.Reply, "+ACK"); got != `{"settled":"committed"}` {
		t.Errorf("got %s", got)
	}
	s.finish("2")
	lost := s.next(first)

	// It hears of nothing more: the next sending ends its claim, and what it had is void.
	if err := sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	s.finish("3")
	attempts := map[int64]int{}
	for len(attempts) < 2 {
		m := s.next(second)
		d, _, err := wire.DecodeDelivery(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		attempts[d.Number] = d.Attempt
	}
	if attempts[2] != 2 || attempts[3] != 1 {
		t.Errorf("got attempts %v, want the second of number 2, and the first of number 3, that met nobody", attempts)
	}
	for _, answer := range []string{"-NAK", "+WPI", "+ACK", "+TERM"} {
		if got := s.ask(lost.Reply, answer); !strings.Contains(got, `"code":"stale_token"`) {
			t.Errorf("%s of a bucket that was lost: got %s", answer, got)
		}
	}
	if got := s.ask(m.Reply, "+ACK"); got != `{"settled":"committed"}` {
		t.Errorf("the repeat of a commit: got %s", got)
	}
	if len(queue) > 0 {
		t.Errorf("the queue group got %s", (<-queue).Data)
	}
}

func TestClaimsAreRefusedByName(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t)
	for _, c := range [][3]string{
		{"claim.billing", `{"node":"n.1"}`, `"path":"node"`},
		{"claim.billing", `{"node":"n1","ttl":"1h"}`, `"path":"ttl"`},
		{"claim.billing", `{"node":"n1","buckets":["9"]}`, `"code":"not_found"`},
		{"claim.billing", `{"node":"n1","count":2,"buckets":["0"]}`, `"path":"count"`},
		{"release.billing", `{"node":"n1","ttl":"1s"}`, `"path":"ttl"`},
		{"claim.nobody", `{"node":"n1"}`, `"code":"not_found"`},
	} {
		if got := s.ask("kapivara.v1."+c[0], c[1]); !strings.Contains(got, c[2]) {
			t.Errorf("%s %s: got %s, want %s", c[0], c[1], got, c[2])
		}
	}
	if got := s.ask("kapivara.v1.release.billing", `{"node":"n1","buckets":["0"]}`); got != `{"buckets":[]}` {
		t.Errorf("releasing what is not held: got %s", got)
	}
}

// A claim reaches whoever works for its subscriber, and outlives that dispatcher: the owner, the epoch and what is out stay.
func TestAClaimOutlivesItsDispatcher(t *testing.T) {
	t.Parallel()
	url, store := kit.NATS(t), memory.NewDispatch(time.Now)
	billing := kapivara.NewSubscriber("billing")
	billing.Buckets = 1
	store.Subscribe(billing)
	_, stop := serveMany(t, url, store, 2)
	s := &served{Conn: connect(t, url), t: t, store: store}
	came, _ := s.listens("n1")
	for _, end := range stop {
		for range 4 { // by the queue group: now one dispatcher, now the other
			s.has("n1", `,"ttl":"1m"`, 1)
		}
		store.Finish(kapivara.Stream(fmt.Sprintf("a/b/c/%d", len(store.All()))), 1, false) // the poll finds it
		m := s.next(came)
		serveMany(t, url, store, 1)
		end()
		if got := s.ask(m.Reply, "+ACK"); got != `{"settled":"committed"}` {
			t.Errorf("an honest answer after its dispatcher has gone: %s", got)
		}
	}
	if got := s.ask("kapivara.v1.claim.billing", `{"node":"n1"}`); got != `{"buckets":[{"bucket":"0","epoch":1}]}` {
		t.Errorf("got %s, want the bucket at the epoch of the first claim", got)
	}
}
