package natsbus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// pull asks for deliveries and takes the answer apart.
func (s *served) pull(request string) []wire.Pulled {
	s.t.Helper()
	reply := s.ask("kapivara.v1.next.billing", request)
	pulled, err := wire.DecodeNextReply([]byte(reply))
	if err != nil {
		s.t.Fatalf("next %s: got %.300s: %v", request, reply, err)
	}
	return pulled
}

func TestADeliveryIsPulledAndAnsweredByItsToken(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t, func(s *kapivara.Subscriber) { s.Buckets = 1 })
	if got := s.ask("kapivara.v1.next.billing", `{}`); got != `{"deliveries":[]}` {
		t.Errorf("nothing is due: got %s", got)
	}
	s.finish("1")
	d := s.pull(`{"wait":"20s"}`)
	if len(d) != 1 || d[0].Stream != "a/b/c/1" || len(d[0].Events) != 2 || d[0].Token == "" || d[0].Deadline.IsZero() {
		t.Fatalf("got %+v, want the whole stream with its token", d)
	}
	if got := s.ask("kapivara.v1.settle.billing", string(wire.EncodeSettle(d[0].Token, kapivara.Answer{Verdict: kapivara.Nak, Delay: 0}))); !strings.HasPrefix(got, `{"settled":"hidden"`) {
		t.Errorf("nak: got %s", got)
	}
	again := s.pull(`{"wait":"20s","bucket":"0"}`)
	if len(again) != 1 || again[0].Attempt != 2 || again[0].Token == d[0].Token {
		t.Fatalf("got %+v, want attempt 2", again)
	}
	if got := s.ask("kapivara.v1.settle.billing", string(wire.EncodeSettle(again[0].Token, kapivara.Answer{Verdict: kapivara.Ack}))); got != `{"settled":"committed"}` {
		t.Errorf("ack: got %s", got)
	}
	for subject, code := range map[string]string{"next.nobody": "not_found", "next.billing.x": "", "next.Billing": "invalid_request"} {
		if code == "" {
			continue // nobody serves it
		}
		if got := s.ask("kapivara.v1."+subject, `{}`); !strings.Contains(got, `"code":"`+code+`"`) {
			t.Errorf("%s: got %s, want %s", subject, got, code)
		}
	}
}

// Fifty pull at once from several buckets, beside a node that listens to one of them: each delivery goes to one, whole,
// each bucket in order (I-14).
func TestFiftyPullAtOnceBesideANodeThatListens(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t, func(s *kapivara.Subscriber) { s.Buckets = 4 })
	const streams = 300
	var mu sync.Mutex
	last, got := map[string]int64{}, map[kapivara.Stream]int{}
	take := func(d *kapivara.Delivery) {
		if d.Number != last[d.Bucket.String()]+1 {
			t.Errorf("bucket %s: number %d after %d", d.Bucket, d.Number, last[d.Bucket.String()])
		}
		last[d.Bucket.String()] = d.Number
		got[d.Stream]++
	}
	node := connect(t, s.ConnectedUrl())
	if _, err := node.QueueSubscribe("kapivara.v1.bucket.billing.0", "billing", func(m *nats.Msg) {
		d, _, err := wire.DecodeDelivery(m.Data)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			t.Error(err)
		}
		take(&d)
		_ = m.Respond([]byte("+ACK"))
	}); err != nil {
		t.Fatal(err)
	}
	if err := node.Flush(); err != nil {
		t.Fatal(err)
	}
	s.ask("kapivara.v1.next.billing", `{}`) // it is served
	done := make(chan struct{})
	var pullers sync.WaitGroup
	for n := range 50 {
		pullers.Go(func() { puller(t, s, n, done, &mu, take) })
	}
	for i := range streams {
		s.store.Finish(kapivara.Stream(fmt.Sprintf("a/b/c/%d", i)), 2, false)
		if i%10 == 0 {
			s.d.Poke(true, false)
		}
	}
	s.d.Poke(true, false)
	kit.Eventually(t, 60*time.Second, func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(got) != streams {
			return fmt.Errorf("%d of %d streams came", len(got), streams)
		}
		return nil
	})
	close(done)
	pullers.Wait()
	for stream, n := range got {
		if n != 1 {
			t.Errorf("%s came %d times", stream, n)
		}
	}
	s.awaits(kapivara.Committed, streams)
}

// puller pulls and commits until done is closed.
func puller(t *testing.T, s *served, n int, done <-chan struct{}, mu *sync.Mutex, take func(*kapivara.Delivery)) {
	request, _ := json.Marshal(map[string]any{"batch": 1 + n%3, "wait": "1s"})
	for {
		select {
		case <-done:
			return
		default:
		}
		m, err := s.Request("kapivara.v1.next.billing", request, 30*time.Second)
		if err != nil {
			t.Errorf("next: %v", err)
			return
		}
		pulled, err := wire.DecodeNextReply(m.Data)
		if err != nil {
			t.Errorf("next: %s: %v", m.Data, err)
			return
		}
		mu.Lock()
		for i := range pulled {
			take(&pulled[i].Delivery)
		}
		mu.Unlock()
		for i := range pulled {
			m, err := s.Request("kapivara.v1.settle.billing", wire.EncodeSettle(pulled[i].Token, kapivara.Answer{Verdict: kapivara.Ack}), 30*time.Second)
			if err != nil || string(m.Data) != `{"settled":"committed"}` {
				t.Errorf("settle: %v, %v", m, err)
			}
		}
	}
}

// A dispatcher that stops need not wait for the ends of the waits.
func TestStopAnswersThePullsThatWait(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t)
	s.ask("kapivara.v1.next.billing", `{}`)
	inbox := nats.NewInbox()
	answers, err := s.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.PublishRequest("kapivara.v1.next.billing", inbox, []byte(`{"wait":"30s"}`)); err != nil {
			t.Fatal(err)
		}
	}
	s.ask("kapivara.v1.next.billing", `{}`) // those before it have arrived
	s.d.Stop()
	for range 3 {
		if m, err := answers.NextMsg(10 * time.Second); err != nil || string(m.Data) != `{"deliveries":[]}` {
			t.Fatalf("got %v, %v, want an empty answer", m, err)
		}
	}
}

// Pulls may come to any dispatcher: the one with the duty serves them, for as long as they wait, and when it ends its work
// the other serves the rest of the wait.
func TestAPullIsServedWhereverItComes(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t, func(s *kapivara.Subscriber) { s.MaxInFlight = 100 })
	shipping := kapivara.NewSubscriber("shipping")
	shipping.MaxInFlight = 100
	s.store.Subscribe(shipping)
	nc, log := connect(t, s.ConnectedUrl()), kit.Logger(t)
	watch := natsbus.NewWatch(nc, log)
	t.Cleanup(watch.Stop)
	sender := natsbus.NewDispatchSender(nc, watch)
	second := dispatcher.New(s.store, sender, dispatcher.Config{}, log)
	server, err := natsbus.ServeDispatcher(sender, second, natsbus.Service{Version: "0.1.0"}, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		second.Stop()
	})
	kit.Eventually(t, 20*time.Second, func() error {
		one, err := second.Owner(t.Context(), "billing")
		other, errOther := second.Owner(t.Context(), "shipping")
		if one == 0 || other == 0 || one == other {
			return fmt.Errorf("billing is with run %d, shipping with %d: %w", one, other, errors.Join(err, errOther))
		}
		return nil
	})
	const each = 20
	begin := func(request string) <-chan string {
		got := make(chan string, 2*each)
		for _, subscriber := range []string{"billing", "shipping"} {
			for range each {
				go func() {
					m, err := s.Request("kapivara.v1.next."+subscriber, []byte(request), 40*time.Second)
					if err != nil {
						got <- err.Error()
						return
					}
					got <- string(m.Data)
				}()
			}
		}
		return got
	}
	got := begin(`{"wait":"20s"}`)
	for i := range each {
		s.finish(fmt.Sprint(i))
	}
	seen := map[string]int{}
	for range 2 * each {
		reply := <-got
		pulled, err := wire.DecodeNextReply([]byte(reply))
		if err != nil || len(pulled) != 1 {
			t.Fatalf("got %.300s, %v, want one delivery", reply, err)
		}
		seen[pulled[0].Subscriber+" "+string(pulled[0].Stream)]++
		if m, err := s.Request("kapivara.v1.settle."+pulled[0].Subscriber+"."+pulled[0].Token, []byte("+ACK"), patience); err != nil || string(m.Data) != `{"settled":"committed"}` {
			t.Fatalf("got %v, %v, want a commit", m, err)
		}
	}
	if len(seen) != 2*each {
		t.Errorf("got %v, want each delivery once", seen)
	}
	got = begin(`{"wait":"2s"}`)
	s.ask("kapivara.v1.next.billing", `{}`) // those before it have arrived
	s.stop()
	for range 2 * each {
		if reply := <-got; reply != `{"deliveries":[]}` {
			t.Errorf("got %s, want an empty answer", reply)
		}
	}
	if reply := s.ask("kapivara.v1.next.nobody", `{"wait":"20s"}`); !strings.Contains(reply, `"code":"not_found"`) {
		t.Errorf("no such subscriber: got %s", reply)
	}
}

// Of a claimed bucket the owner alone is served, who need not listen while it pulls.
func TestOfAClaimedBucketItsOwnerPullsAlone(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t, func(s *kapivara.Subscriber) { s.Buckets = 1 })
	waiting := nats.NewInbox()
	answers, err := s.SubscribeSync(waiting)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.ask("kapivara.v1.next.billing", `{"node":"n1"}`); got != `{"deliveries":[]}` { // it is one that pulls
		t.Fatalf("got %s", got)
	}
	if got := s.ask("kapivara.v1.claim.billing", `{"node":"n1","count":1,"ttl":"1m"}`); !strings.Contains(got, `"bucket":"0"`) {
		t.Fatalf("claim: got %s", got)
	}
	if err := s.PublishRequest("kapivara.v1.next.billing", waiting, []byte(`{"wait":"30s"}`)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		s.finish(fmt.Sprint(i))
		for _, other := range []string{`{}`, `{"node":"n2"}`, `{"bucket":"0","node":"n2"}`} {
			if got := s.ask("kapivara.v1.next.billing", other); got != `{"deliveries":[]}` {
				t.Errorf("%s: got %s, want nothing", other, got)
			}
		}
		d := s.pull(`{"node":"n1","wait":"20s"}`)
		if len(d) != 1 || d[0].Number != int64(i+1) {
			t.Fatalf("the owner got %v, want number %d", d, i+1)
		}
		if got := s.ask("kapivara.v1.settle.billing", string(wire.EncodeSettle(d[0].Token, kapivara.Answer{Verdict: kapivara.Ack}))); got != `{"settled":"committed"}` {
			t.Errorf("ack: got %s", got)
		}
	}
	s.ask("kapivara.v1.release.billing", `{"node":"n1"}`)
	s.finish("3")
	if m, err := answers.NextMsg(20 * time.Second); err != nil || !strings.Contains(string(m.Data), `"number":4`) {
		t.Errorf("after the release: got %v, %v, want number 4 for whoever waits", m, err)
	}
}
