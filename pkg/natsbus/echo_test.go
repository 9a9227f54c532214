package natsbus_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"kapivara/pkg/natsbus"
	"kapivara/tests/kit"
)

// echoed gives a channel that gets what the echo says.
func echoed(sender *natsbus.Sender, line int64) <-chan bool {
	got := make(chan bool, 1)
	sender.Echo(line, func(certain bool) { got <- certain })
	return got
}

// TestAnEchoComesBehindEveryWordThatNobodyListens: else nothing tells a word that comes late from one that never comes.
func TestAnEchoComesBehindEveryWordThatNobodyListens(t *testing.T) {
	t.Parallel()
	nc := connect(t, kit.NATS(t))
	sender := natsbus.NewSender(nc)
	var said atomic.Int64
	if _, err := sender.Listen(kit.Logger(t), func(natsbus.Settlement) {
		runtime.Gosched() // the words are not handled before the echo by mere chance
		said.Add(1)
	}); err != nil {
		t.Fatal(err)
	}
	const rounds = 300
	var sent int64
	echoes := make(chan string, rounds)
	for round := range rounds {
		line := sender.Line()
		for range round % 11 {
			if err := sender.SendDelivery(aDelivery(), ""); err != nil {
				t.Fatal(err)
			}
			sent++
		}
		before := sent
		sender.Echo(line, func(certain bool) {
			if got := said.Load(); !certain || got < before {
				echoes <- fmt.Sprintf("of %d sendings that met nobody %d were said before the echo, certain %v", before, got, certain)
				return
			}
			echoes <- ""
		})
	}
	for range rounds {
		if fault := receive(t, echoes); fault != "" {
			t.Fatal(fault)
		}
	}
}

func TestAnEchoTellsThatTheLineWasLost(t *testing.T) {
	t.Parallel()
	url := kit.NATS(t)
	back := make(chan struct{}, 1)
	nc, err := nats.Connect(url, nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	sender := natsbus.NewSender(nc)
	if _, err := sender.Listen(kit.Logger(t), func(natsbus.Settlement) {}); err != nil {
		t.Fatal(err)
	}
	line := sender.Line()
	if !receive(t, echoed(sender, line)) {
		t.Error("got an uncertain echo of a line that stands")
	}
	if err := nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	receive(t, back)
	if receive(t, echoed(sender, line)) {
		t.Error("got a certain echo of a line that was lost")
	}
	if !receive(t, echoed(sender, sender.Line())) {
		t.Error("got an uncertain echo of the line that is back")
	}
	nc.Close()
	if receive(t, echoed(sender, sender.Line())) {
		t.Error("got a certain echo of a connection that is closed")
	}
}

func TestAnEchoTellsThatWordsWereDropped(t *testing.T) {
	t.Parallel()
	nc := connect(t, kit.NATS(t))
	sender := natsbus.NewSender(nc)
	begun, gate := make(chan struct{}, 10), make(chan struct{})
	sub, err := sender.Listen(kit.Logger(t), func(natsbus.Settlement) { begun <- struct{}{}; <-gate })
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.SetPendingLimits(2, -1); err != nil {
		t.Fatal(err)
	}
	line := sender.Line()
	for range 4 {
		if err := sender.SendDelivery(aDelivery(), ""); err != nil {
			t.Fatal(err)
		}
	}
	got := echoed(sender, line)
	receive(t, begun) // one is in hand, of the others not all have room
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	close(gate) // all have come in
	if receive(t, got) {
		t.Error("got a certain echo, and words were dropped")
	}
}

func TestAnEchoIsNotCertainWhereNobodyTakesTheWords(t *testing.T) {
	t.Parallel()
	nc := connect(t, kit.NATS(t))
	sender := natsbus.NewSender(nc)
	if receive(t, echoed(sender, sender.Line())) {
		t.Error("got a certain echo before anybody listens")
	}
	sub, err := sender.Listen(kit.Logger(t), func(natsbus.Settlement) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	if receive(t, echoed(sender, sender.Line())) {
		t.Error("got a certain echo after the last word")
	}
}
