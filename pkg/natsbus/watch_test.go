package natsbus_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/kapivara"
	"kapivara/pkg/natsbus"
	"kapivara/pkg/wire"
	"kapivara/tests/kit"
)

func TestWatchShowsEventsAndDeliveries(t *testing.T) {
	t.Parallel()
	url := kit.NATS(t)
	onlooker := connect(t, url)
	sub, err := onlooker.SubscribeSync("kapivara.v1.watch.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := onlooker.Flush(); err != nil {
		t.Fatal(err)
	}
	watch := natsbus.NewWatch(connect(t, url), kit.Logger(t))
	t.Cleanup(watch.Stop)
	watch.Events(aDelivery().Events[:1])
	watch.Delivery("billing", kapivara.DeliveryRow{Bucket: -1, Stream: "a/b/c/d", State: kapivara.Leased})
	watch.Delivery("billing", kapivara.DeliveryRow{Bucket: 3, Stream: "a/b/c/d", State: kapivara.Parked})
	for _, want := range []string{
		"kapivara.v1.watch.log.lending.loans.application", "kapivara.v1.watch.bucket.billing.canary-0",
		"kapivara.v1.watch.bucket.billing.3", "kapivara.v1.watch.parked.billing",
	} {
		m, err := sub.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		if m.Subject != want || !json.Valid(m.Data) {
			t.Errorf("got %s %s, want %s", m.Subject, m.Data, want)
		}
	}
	if got := watch.Dropped(); got != 0 {
		t.Errorf("dropped: got %d, want 0", got)
	}
}

func TestWatchNeverMakesItsCallerWait(t *testing.T) {
	t.Parallel()
	nc := connect(t, kit.NATS(t))
	watch := natsbus.NewWatch(nc, kit.Logger(t))
	watch.Stop()
	watch.Stop() // twice is fine
	const notices = 10_000
	for range notices { // nobody takes them any more
		watch.Delivery("billing", kapivara.DeliveryRow{})
	}
	dropped := watch.Dropped()
	if dropped == 0 {
		t.Errorf("dropped: got %d of %d, want some", dropped, notices)
	}
	watch.Events(make([]kapivara.Event, 7))
	if got := watch.Dropped() - dropped; got != 7 {
		t.Errorf("dropped of 7 events behind them: got %d, want all", got)
	}
}

func TestPokerTellsOfTheHighestHeadAndOfAllThatHappened(t *testing.T) {
	t.Parallel()
	url := kit.NATS(t)
	listener := connect(t, url)
	var mu sync.Mutex
	var seen wire.Committed
	complete := make(chan struct{})
	_, err := natsbus.ListenCommitted(listener, func(c wire.Committed) {
		mu.Lock()
		defer mu.Unlock()
		seen.Head = max(seen.Head, c.Head)
		seen.Due, seen.Registry = seen.Due || c.Due, seen.Registry || c.Registry
		if (seen == wire.Committed{Head: 1000, Due: true, Registry: true}) {
			close(complete)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Flush(); err != nil {
		t.Fatal(err)
	}
	poker := natsbus.NewPoker(connect(t, url), kit.Logger(t))
	for head := range int64(1001) {
		poker.Committed(wire.Committed{Head: head, Due: head == 3, Registry: head == 4})
	}
	poker.Stop()
	poker.Stop() // twice is fine
	receive(t, complete)
}

func TestNotesThatAreNoJSONArePassedOver(t *testing.T) {
	t.Parallel()
	nc := connect(t, kit.NATS(t))
	notes := make(chan wire.Committed, 2)
	sub, err := natsbus.ListenCommitted(nc, func(c wire.Committed) { notes <- c })
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"x", `{"head":7,"new":1}`} {
		if err := nc.PublishMsg(&nats.Msg{Subject: wire.InternalCommitted, Data: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := receive(t, notes), (wire.Committed{Head: 7}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if err := sub.Unsubscribe(); err != nil {
		t.Error(err)
	}
}
