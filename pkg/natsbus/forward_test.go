package natsbus_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
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

// serveMany runs dispatchers on one store, each served on a connection of its own. stop ends one as its process does.
func serveMany(t *testing.T, url string, store dispatcher.Store, n int) (all []*dispatcher.Dispatcher, stop []func()) {
	t.Helper()
	for range n {
		nc, log := connect(t, url), kit.Logger(t)
		watch := natsbus.NewWatch(nc, log)
		t.Cleanup(watch.Stop)
		sender := natsbus.NewDispatchSender(nc, watch)
		d := dispatcher.New(store, sender, dispatcher.Config{}, log)
		server, err := natsbus.ServeDispatcher(sender, d, natsbus.Service{Version: "0.1.0"}, log)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		end := sync.OnceFunc(func() {
			if err := server.Drain(context.Background()); err != nil {
				t.Error(err)
			}
			d.Stop()
		})
		t.Cleanup(end)
		all, stop = append(all, d), append(stop, end)
	}
	return all, stop
}

// shared waits until each of the dispatchers works for somebody and nobody is left over.
func shared(t *testing.T, store *memory.Dispatch, dispatchers int) {
	t.Helper()
	kit.Eventually(t, 30*time.Second, func() error {
		s, err := store.Survey(t.Context(), 0, 99)
		if err != nil || len(s.Living) != dispatchers || len(s.Free) > 0 {
			return fmt.Errorf("got %+v, %w", s, err)
		}
		for _, l := range s.Living {
			if l.Duties == 0 {
				return fmt.Errorf("dispatcher %d has nothing yet", l.Dispatcher)
			}
		}
		return nil
	})
}

// Whichever dispatcher a request reaches, the one with the duty handles it; all of them are found; and pushed answers
// count although every dispatcher hears them.
func TestARequestReachesWhoeverWorksForItsSubscriber(t *testing.T) {
	t.Parallel()
	url, store := kit.NATS(t), memory.NewDispatch(time.Now)
	for i := range 6 {
		s := kapivara.NewSubscriber(fmt.Sprintf("s%d", i))
		s.Buckets = 1
		store.Subscribe(s)
	}
	_, stop := serveMany(t, url, store, 3)
	client := connect(t, url)
	shared(t, store, 3)

	found := map[string]bool{}
	inbox := client.NewInbox()
	pongs, err := client.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.PublishRequest("$SRV.PING.kapivara-dispatcher", inbox, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		m, err := pongs.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		found[string(m.Data)] = true
	}
	if len(found) != 3 {
		t.Errorf("%d dispatchers are found, want 3", len(found))
	}

	came := make(chan *nats.Msg, 100)
	for i := range 6 {
		if _, err := client.ChanQueueSubscribe(fmt.Sprintf("kapivara.v1.bucket.s%d.*", i), fmt.Sprintf("s%d", i), came); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Flush(); err != nil {
		t.Fatal(err)
	}
	deliver := func(name kapivara.Stream) {
		t.Helper()
		store.Finish(name, 2, false) // the poll finds it
		for range 6 {
			m := receive(t, came)
			d, _, err := wire.DecodeDelivery(m.Data)
			if err != nil || d.Stream != name {
				t.Fatalf("got %s, %v, want %s", m.Data, err, name)
			}
			// By the queue group: some dispatcher, mostly another one. Repeated, so that it is one of each.
			for range 6 {
				if got := answerTo(t, client, "kapivara.v1.settle."+d.Subscriber, `{"token":"`+d.Token+`","answer":"progress"}`); !strings.Contains(got, `"extended"`) {
					t.Fatalf("progress for %s: %s", d.Subscriber, got)
				}
			}
			if got := answerTo(t, client, m.Reply, "+ACK"); got != `{"settled":"committed"}` {
				t.Errorf("ack for %s: %s", d.Subscriber, got)
			}
			if got := answerTo(t, client, "kapivara.v1.settle."+d.Subscriber, `{"token":"`+d.Token+`","answer":"nak"}`); !strings.Contains(got, `"stale_token"`) ||
				!strings.Contains(got, `"subscriber":"`+d.Subscriber+`"`) {
				t.Errorf("another answer for %s: %s", d.Subscriber, got)
			}
		}
	}
	deliver("a/b/c/1")
	for range 6 {
		if got := answerTo(t, client, "kapivara.v1.settle.nobody", `{"token":"x","answer":"ack"}`); !strings.Contains(got, `"not_found"`) {
			t.Errorf("a subscriber that is not there: %s", got)
		}
	}
	stop[1]()
	shared(t, store, 2)
	deliver("a/b/c/2")
}

func answerTo(t *testing.T, nc *nats.Conn, subject, body string) string {
	t.Helper()
	m, err := nc.Request(subject, []byte(body), patience)
	if err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
	return string(m.Data)
}

// questions counts how often the store is asked who works for a subscriber.
type questions struct {
	*memory.Dispatch
	asked *atomic.Int64
}

func (q questions) Owner(ctx context.Context, subscriber string) (int32, error) {
	q.asked.Add(1)
	return q.Dispatch.Owner(ctx, subscriber)
}

// I-21: what waits idle costs nothing: pulls that wait at another dispatcher ask the store no more while they wait.
func TestPullsThatWaitElsewhereAskTheStoreNoMore(t *testing.T) {
	t.Parallel()
	url, store := kit.NATS(t), memory.NewDispatch(time.Now)
	const subscribers = 30
	for i := range subscribers {
		store.Subscribe(kapivara.NewSubscriber(fmt.Sprintf("s%d", i)))
	}
	var asked atomic.Int64
	serveMany(t, url, questions{store, &asked}, 2)
	client := connect(t, url)
	shared(t, store, 2)
	asked.Store(0)
	var pulls sync.WaitGroup
	for i := range subscribers {
		pulls.Go(func() { // each instance gets about half of them, and about half of those are the other's
			m, err := client.Request(fmt.Sprintf("kapivara.v1.next.s%d", i), []byte(`{"wait":"3200ms"}`), 30*time.Second)
			if err != nil || string(m.Data) != `{"deliveries":[]}` {
				t.Errorf("got %v, %v, want an empty answer", m, err)
			}
		})
	}
	pulls.Wait()
	if n := asked.Load(); n == 0 || n > subscribers*3/2 {
		t.Errorf("the store was asked %d times by %d pulls, want once by each that went on to the other", n, subscribers)
	}
}

// A dispatcher that has the duty and can't be asked, since it has died or stands still: whoever asks learns it in time,
// or is answered by the next one.
func TestARequestForADispatcherThatIsGoneIsAnsweredInTime(t *testing.T) {
	t.Parallel()
	url, store := kit.NATS(t), memory.NewDispatch(time.Now)
	run, err := store.Join(t.Context(), "gone", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	no := store.Subscribe(kapivara.NewSubscriber("billing"))
	if _, err := store.TakeDuties(t.Context(), run, []int32{no}); err != nil {
		t.Fatal(err)
	}
	serveMany(t, url, store, 1)
	client := connect(t, url)
	const claim = `{"node":"n1","ttl":"10s"}`
	if got := answerTo(t, client, "kapivara.v1.claim.billing", claim); !strings.Contains(got, `"unavailable"`) {
		t.Errorf("while it lives and is not there: %s", got)
	}
	// It is there, takes requests and never answers.
	taken := make(chan *nats.Msg, 10)
	deaf := connect(t, url)
	if _, err := deaf.ChanSubscribe(wire.InternalDispatcher(run, "*", "*"), taken); err != nil {
		t.Fatal(err)
	}
	if err := deaf.Flush(); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() {
		m, err := client.Request("kapivara.v1.claim.billing", []byte(claim), patience)
		if err != nil {
			m = &nats.Msg{Data: []byte(err.Error())}
		}
		answered <- string(m.Data)
	}()
	receive(t, taken)
	if err := store.Leave(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, answered); !strings.Contains(got, `"epoch":1`) {
		t.Errorf("after another has taken over: %s", got)
	}
}
