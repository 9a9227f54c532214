package dispatcher_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kapivara/pkg/dispatcher"
	"kapivara/pkg/kapivara"
	"kapivara/pkg/memory"
)

// bench is a dispatcher over a store in memory, with nodes that the test plays. It lives in a synctest bubble: its time
// is the test's.
type bench struct {
	t     *testing.T
	store *memory.Dispatch
	d     *dispatcher.Dispatcher

	mu    sync.Mutex
	deaf  bool // nobody listens
	sent  []kapivara.Delivery
	rows  []kapivara.DeliveryRow
	reply func(kapivara.Delivery) // of the nodes, nil where they stay silent
	away  map[string]bool         // nodes that do not listen where they have claimed; "" for the queue group
	word  word
}

func start(t *testing.T, subscribers ...kapivara.Subscriber) *bench {
	t.Helper()
	b := &bench{t: t, store: memory.NewDispatch(time.Now)}
	for _, s := range subscribers {
		b.store.Subscribe(s)
	}
	b.begin(b.store)
	return b
}

// begin starts a dispatcher on the store.
func (b *bench) begin(store dispatcher.Store) {
	b.t.Helper()
	b.d = dispatcher.New(store, b, dispatcher.Config{}, slog.New(slog.NewTextHandler(b.t.Output(), nil)))
	if err := b.d.Start(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(b.d.Stop)
	synctest.Wait()
}

// Send plays the nodes.
func (b *bench) Send(d *kapivara.Delivery) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, *d)
	switch {
	case b.deaf || b.away[d.Node]:
		b.word.say(func() { b.d.NoResponders(d.Token) })
	case b.reply != nil:
		b.reply(*d)
	}
	return nil
}

// Notify keeps the notices.
func (b *bench) Notify(_ string, row *kapivara.DeliveryRow) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows = append(b.rows, *row)
}

// listen makes the nodes answer by reply.
func (b *bench) listen(reply func(kapivara.Delivery)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deaf, b.reply = false, reply
}

// gone says whether the node listens where it has claimed.
func (b *bench) gone(node string, gone bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away == nil {
		b.away = map[string]bool{}
	}
	b.away[node] = gone
}

func (b *bench) hangUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deaf, b.reply = true, nil
}

// finish completes streams and lets the dispatcher know.
func (b *bench) finish(names ...string) {
	for _, name := range names {
		b.store.Finish(stream(name), 3, false)
	}
	b.d.Poke(true, false)
	synctest.Wait()
}

func stream(name string) kapivara.Stream { return kapivara.Stream("a/b/c/" + name) }

// pass lets time go by.
func (b *bench) pass(d time.Duration) {
	time.Sleep(d) // the bubble's time
	synctest.Wait()
}

// takeSent gives what was sent since the last call.
func (b *bench) takeSent() []kapivara.Delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	sent := b.sent
	b.sent = nil
	return sent
}

// one gives the one delivery that was sent since the last call.
func (b *bench) one() kapivara.Delivery {
	b.t.Helper()
	sent := b.takeSent()
	if len(sent) != 1 {
		b.t.Fatalf("got %d sendings, want 1: %v", len(sent), brief(sent))
	}
	return sent[0]
}

func (b *bench) none() {
	b.t.Helper()
	if sent := b.takeSent(); len(sent) > 0 {
		b.t.Fatalf("got sendings, want none: %v", brief(sent))
	}
}

func brief(sent []kapivara.Delivery) (s []string) {
	for _, d := range sent {
		s = append(s, fmt.Sprintf("%s/%s/%d attempt %d of %s", d.Subscriber, d.Bucket, d.Number, d.Attempt, d.Stream))
	}
	return s
}

// answer settles as a request does and gives the confirmation.
func (b *bench) answer(d kapivara.Delivery, a kapivara.Answer) (kapivara.Settled, error) {
	b.t.Helper()
	type confirmation struct {
		kapivara.Settled
		error
	}
	got := make(chan confirmation, 1)
	b.d.Settle(d.Subscriber, d.Token, a, func(s kapivara.Settled, err error) { got <- confirmation{s, err} })
	synctest.Wait()
	select {
	case c := <-got:
		return c.Settled, c.error
	default:
		b.t.Fatal("the answer got no confirmation")
		return kapivara.Settled{}, nil
	}
}

// settles is answer where the confirmation is known.
func (b *bench) settles(d kapivara.Delivery, a kapivara.Answer, want kapivara.State) kapivara.Settled {
	b.t.Helper()
	s, err := b.answer(d, a)
	if err != nil || s.State != want {
		b.t.Fatalf("%s of %v: got %v and error %v, want %s", a.Verdict, brief([]kapivara.Delivery{d}), s, err, want)
	}
	return s
}

// state is where the delivery stands in the store.
func (b *bench) state(d kapivara.Delivery) kapivara.Lease {
	b.t.Helper()
	for _, n := range b.store.All() {
		if n.Name == d.Stream && n.Number == d.Number {
			return n.Lease
		}
	}
	b.t.Fatalf("%v is not in the store", brief([]kapivara.Delivery{d}))
	return kapivara.Lease{}
}

var (
	ack      = kapivara.Answer{Verdict: kapivara.Ack, Delay: -1}
	nak      = kapivara.Answer{Verdict: kapivara.Nak, Delay: -1, Reason: "not today"}
	progress = kapivara.Answer{Verdict: kapivara.Progress, Delay: -1}
	term     = kapivara.Answer{Verdict: kapivara.Term, Delay: -1, Reason: "broken"}
)

func billing(change ...func(*kapivara.Subscriber)) kapivara.Subscriber {
	s := kapivara.NewSubscriber("billing")
	s.Buckets = 1
	for _, c := range change {
		c(&s)
	}
	return s
}
