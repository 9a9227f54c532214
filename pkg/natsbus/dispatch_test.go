package natsbus_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

// served is a dispatcher at work over a store in memory, and a client's connection to its bus.
type served struct {
	*nats.Conn
	t     *testing.T
	store *memory.Dispatch
	d     *dispatcher.Dispatcher
	stop  func() // what the dispatcher's process does at its end
}

func serveDispatcher(t *testing.T, change ...func(*kapivara.Subscriber)) *served {
	t.Helper()
	url := kit.NATS(t)
	connect := func() *nats.Conn {
		nc, err := nats.Connect(url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	s := &served{Conn: connect(), t: t, store: memory.NewDispatch(time.Now)}
	billing := kapivara.NewSubscriber("billing")
	billing.Buckets = 2
	for _, c := range change {
		c(&billing)
	}
	s.store.Subscribe(billing)
	nc, log := connect(), kit.Logger(t)
	watch := natsbus.NewWatch(nc, log)
	t.Cleanup(watch.Stop)
	sender := natsbus.NewDispatchSender(nc, watch)
	s.d = dispatcher.New(s.store, sender, dispatcher.Config{}, log)
	server, err := natsbus.ServeDispatcher(sender, s.d, natsbus.Service{Version: "0.1.0"}, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.d.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.stop = sync.OnceFunc(func() {
		if err := server.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		s.d.Stop()
	})
	t.Cleanup(s.stop)
	return s
}

// node subscribes as the protocol says, and hands over what comes.
func (s *served) node() <-chan *nats.Msg {
	s.t.Helper()
	came := make(chan *nats.Msg, 100)
	if _, err := s.ChanQueueSubscribe("kapivara.v1.bucket.billing.*", "billing", came); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		s.t.Fatal(err)
	}
	return came
}

func (s *served) finish(id string) {
	s.store.Finish(kapivara.Stream("a/b/c/"+id), 2, false)
	s.d.Poke(true, false)
}

func (s *served) next(came <-chan *nats.Msg) *nats.Msg {
	s.t.Helper()
	select {
	case m := <-came:
		return m
	case <-time.After(10 * time.Second):
		s.t.Fatal("no delivery came")
		return nil
	}
}

// ask sends a request, as soon as somebody serves it.
func (s *served) ask(subject, body string) string {
	s.t.Helper()
	var reply *nats.Msg
	kit.Eventually(s.t, 10*time.Second, func() (err error) {
		reply, err = s.Request(subject, []byte(body), 5*time.Second)
		return err
	})
	return string(reply.Data)
}

func (s *served) awaits(state kapivara.State, count int) {
	s.t.Helper()
	kit.Eventually(s.t, 10*time.Second, func() error {
		got := 0
		for _, n := range s.store.All() {
			if n.Lease.State == state {
				got++
			}
		}
		if got != count {
			return fmt.Errorf("%d deliveries are %s, want %d", got, state, count)
		}
		return nil
	})
}

func TestAPlainSubscriberTakesADelivery(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t)
	shown, err := s.SubscribeSync("kapivara.v1.watch.bucket.billing.*")
	if err != nil {
		t.Fatal(err)
	}
	came := s.node()
	s.finish("1")
	m := s.next(came)
	d, _, err := wire.DecodeDelivery(m.Data)
	if err != nil || d.Stream != "a/b/c/1" || len(d.Events) != 2 || !strings.HasPrefix(m.Reply, "kapivara.v1.settle.billing.") {
		t.Fatalf("got %s with reply %s: %v", m.Data, m.Reply, err)
	}
	if err := m.Respond([]byte("+ACK")); err != nil {
		t.Fatal(err)
	}
	s.awaits(kapivara.Committed, 1)
	for _, want := range []string{`"state":"leased"`, `"state":"committed"`} {
		if n, err := shown.NextMsg(5 * time.Second); err != nil || !strings.Contains(string(n.Data), want) {
			t.Errorf("got the notice %v, %v, want %s", n, err, want)
		}
	}
}

func TestAnswersAreConfirmed(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t)
	came := s.node()
	s.finish("1")
	m := s.next(came)
	d, _, _ := wire.DecodeDelivery(m.Data)
	token := `{"token":"` + d.Token + `",`
	if got := s.ask("kapivara.v1.settle.billing", token+`"answer":"progress"}`); !strings.HasPrefix(got, `{"settled":"extended","deadline":"`) {
		t.Errorf("progress: got %s", got)
	}
	if got := s.ask(m.Reply, "+ACK"); got != `{"settled":"committed"}` {
		t.Errorf("ack of the reply subject: got %s", got)
	}
	if got := s.ask("kapivara.v1.settle.billing", token+`"answer":"ack"}`); got != `{"settled":"committed"}` {
		t.Errorf("ack again: got %s", got)
	}
	for body, code := range map[string]string{
		token + `"answer":"nak"}`:             `"stale_token"`,
		`{"token":"abc","answer":"ack"}`:      `"invalid_request"`,
		token + `"answer":"maybe"}`:           `"invalid_request"`,
		token + `"answer":"ack","more":true}`: `"invalid_request"`,
	} {
		if got := s.ask("kapivara.v1.settle.billing", body); !strings.Contains(got, `"code":`+code) {
			t.Errorf("%s: got %s, want %s", body, got, code)
		}
	}
	if got := s.ask("kapivara.v1.settle.shipping", token+`"answer":"ack"}`); !strings.Contains(got, `"code":"not_found"`) {
		t.Errorf("a subscriber that is not there: got %s", got)
	}
}

func TestWhatMeetsNobodyComesToWhoeverListensNext(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t, func(s *kapivara.Subscriber) { s.Buckets = 1; s.MaxInFlight = 3 })
	for i := range 5 {
		s.finish(fmt.Sprint(i))
	}
	kit.Eventually(t, 10*time.Second, func() error {
		if p, _ := s.store.Presence(1); p.Listening == nil || *p.Listening {
			return fmt.Errorf("the store has listening %v, want false", p.Listening)
		}
		return nil
	})
	came := s.node()
	for want := int64(1); want <= 5; want++ {
		m := s.next(came)
		d, _, err := wire.DecodeDelivery(m.Data)
		if err != nil || d.Number != want || d.Attempt != 1 {
			t.Fatalf("got %s, want number %d at attempt 1", m.Data, want)
		}
		if err := m.Respond([]byte("+ACK")); err != nil {
			t.Fatal(err)
		}
	}
	s.awaits(kapivara.Committed, 5)
}

func TestADispatcherThatStopsServesNoMore(t *testing.T) {
	t.Parallel()
	s := serveDispatcher(t)
	s.ask("kapivara.v1.next.billing", "{}")
	s.stop()
	if _, err := s.Request("kapivara.v1.next.billing", nil, time.Second); err == nil {
		t.Error("a dispatcher that has stopped answers")
	}
}
